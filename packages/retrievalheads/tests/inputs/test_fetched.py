import gzip
import json

import pytest
from retrievalheads.inputs.fetched import SCORED_MODELS, SUMMHAY_FIELDS, make
from tenpapers.testing import exactly_published, fetched, read_rows

NQ = "29b8a6d/qa_data/nq-open-oracle.jsonl.gz"
PAIRS = "29b8a6d/kv_retrieval_data/kv-retrieval-75_keys.jsonl.gz"
TRAIN = "3d95d25/data/musique_train.json"
DEV = "eb25311/data/musique/dev.json"
SUMMHAY = "4353172/data/eval_benchmark_data.json"
SCORES = "3ac171a/head_score"


def packed(rows):
    return gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode())


def passage(title, text):
    return {"id": "1", "title": title, "text": text, "hasanswer": True, "isgold": True}


def test_the_published_files_make_ours(tmp_path):
    chain = {"id": "2hop__1_2", "question": "who?", "answer": "Ann", "answer_aliases": []}
    summary = dict.fromkeys(SUMMHAY_FIELDS, "x")
    files = {
        NQ: packed(
            [
                {
                    "question": "who sang it",
                    "answers": ["Ann", "Ann B"],
                    "ctxs": [passage("Songs", "Ann B sang it.")],
                    "nq_annotated_gold": {"title": "Songs"},
                },
                {"question": "when", "answers": ["1901"], "ctxs": [passage("Years", "In 1901.")]},
            ]
        ),
        PAIRS: packed([{"ordered_kv_records": [["k", "v"]], "key": "k", "value": "v"}]),
        # One public copy has its paragraphs as a list, another as a Python literal of one.
        TRAIN: json.dumps(
            [
                chain | {"paragraphs": [{"idx": 0, "title": "Ann"}]},
                chain | {"paragraphs": "[{'idx': 1, 'is_supporting': True}]"},
            ]
        ).encode(),
        DEV: json.dumps([chain]).encode(),
        SUMMHAY: json.dumps([{"topic_id": "t", **summary, "predictions_gpt": []}]).encode(),
    } | {f"{SCORES}/{model}.json": b'{"0-0": [0, 0.5]}' for model in SCORED_MODELS}
    assert fetched("retrievalheads", make, files, tmp_path) == {
        "nq_open_oracle.jsonl.gz": [
            {
                "id": "nq0000",
                "question": "who sang it",
                "answers": ["Ann", "Ann B"],
                "gold_title": "Songs",
                "gold_text": "Ann B sang it.",
            },
            {
                "id": "nq0001",
                "question": "when",
                "answers": ["1901"],
                "gold_title": "Years",
                "gold_text": "In 1901.",
            },
        ],
        "kv_retrieval_75.jsonl.gz": [
            {"ordered_kv_records": [["k", "v"]], "key": "k", "value": "v"}
        ],
        "musique_ans_train_sample.jsonl.gz": [
            chain | {"paragraphs": [{"idx": 0, "title": "Ann"}]},
            chain | {"paragraphs": [{"idx": 1, "is_supporting": True}]},
        ],
        "musique_ans_dev_questions.jsonl.gz": [chain],
        "summhay_eval_benchmark.jsonl.gz": [summary],
    } | {f"head_scores_{model}.json.gz": {"0-0": [0, 0.5]} for model in SCORED_MODELS}


@pytest.mark.acceptance
def test_rows_at_hand_come_back_from_their_published_forms(data, tmp_path):
    names = ("nq_open_oracle", "kv_retrieval_75", "musique_ans_train_sample")
    names += ("musique_ans_dev_questions", "summhay_eval_benchmark")
    ours = {f"{name}.jsonl.gz": read_rows(data / f"{name}.jsonl.gz") for name in names}
    questions, pairs, train, dev, summaries = ours.values()
    oracle = [{"question": "not at hand", "answers": [], "ctxs": [passage("", "")]}] * 2655
    for row in questions:
        oracle[int(row["id"].removeprefix("nq"))] = {
            "question": row["question"],
            "answers": row["answers"],
            "ctxs": [passage(row["gold_title"], row["gold_text"])],
        }
    files = {
        NQ: packed(oracle),
        PAIRS: packed(pairs),
        TRAIN: json.dumps(train).encode(),
        DEV: json.dumps(dev, indent=2).encode(),
        SUMMHAY: json.dumps([{"topic_fn": "x", **row} for row in summaries]).encode(),
    }
    for model in SCORED_MODELS:
        packed_scores = (data / f"head_scores_{model}.json.gz").read_bytes()
        files[f"{SCORES}/{model}.json"] = gzip.decompress(packed_scores)
    assert exactly_published("retrievalheads", files) == {
        f"{SCORES}/{model}.json" for model in SCORED_MODELS
    }
    found = fetched("retrievalheads", make, files, tmp_path)
    made = {row["id"]: row for row in found.pop("nq_open_oracle.jsonl.gz")}
    assert [made[row["id"]] for row in questions] == questions
    for model in SCORED_MODELS:
        scores = found.pop(f"head_scores_{model}.json.gz")
        assert scores == json.loads(files[f"{SCORES}/{model}.json"])
    assert found == {name: rows for name, rows in ours.items() if "nq" not in name}
