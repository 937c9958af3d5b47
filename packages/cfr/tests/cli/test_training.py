import json
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from cfr.retrieval.encoder import Encoder
from tenpapers.testing import (
    command,
    fails,
    imports_of_help,
    kill_when,
    read_rows,
    write_rows,
)

from ..retrieval.conftest import make_checkpoint

ACCELERATE = Path(__file__).parents[2] / "docs" / "accelerate.yaml"
URL = "https://a.org/page"
TEXTS = {
    "a": "the vaccine was tested in mice",
    "b": "oil prices rose",
    "c": "trump praised the vaccine",
    "d": "fetal tissue contains oil",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Claims, candidates, labels, training rows, a tiny encoder, and two recorded models."""
    folder = tmp_path_factory.mktemp("given")
    answer = {"answer": TEXTS["a"], "answer_type": "Extractive", "source_url": URL}
    claims = [
        {
            "claim_id": number,
            "claim": f"vaccine claim {number}",
            "questions": [{"question": "what was tested", "answers": [answer]}],
        }
        for number in range(6)
    ]
    write_rows(folder / "claims.jsonl", claims)
    passages = [
        {"pid": pid, "text": text, "url": URL if pid == "a" else "https://b.org"}
        for pid, text in TEXTS.items()
    ]
    candidates = [
        {
            "qid": f"{number}:0",
            "claim": f"vaccine claim {number}",
            "question": "what was tested",
            "passages": passages,
            "topic": "mice",
        }
        for number in range(6)
    ]
    write_rows(folder / "candidates.jsonl.gz", candidates)
    for name, grade in (("one", 2), ("two", 0)):
        graded = [
            {"id": f"{n}:0", "text": json.dumps({"1": grade, "2": 0, "3": 1})} for n in range(6)
        ]
        read = [
            {"id": f"{n}:0|{place}", "text": ["in mice", "not answered", "prices", "x"][place]}
            for n in range(6)
            for place in range(4)
        ]
        write_rows(folder / f"{name}.jsonl", [*graded, *read])
    make_checkpoint(folder / "tiny")
    base = ["--candidates", folder / "candidates.jsonl.gz"]
    claimed = ["--references", folder / "claims.jsonl"]
    command("cfr", "signals", "gold", *base, *claimed, "--out", folder / "gold.jsonl")
    one = f"replay:{folder / 'one.jsonl'}"
    command("cfr", "signals", "distill", *base, "--teacher", one, "--out", folder / "d.jsonl")
    labels = ["--labels", folder / "gold.jsonl", "--labels", folder / "d.jsonl"]
    command("cfr", "make-train", *labels, *base, "--out", folder / "train.jsonl")
    return folder


def rel(row):
    return {j["pid"]: j["rel"] for j in row["judgements"]}


def test_gold_labels_windows_of_the_annotated_page(files):
    rows = read_rows(files / "gold.jsonl")
    assert [row["qid"] for row in rows] == [f"{n}:0" for n in range(6)]
    assert rows[0].keys() == {"qid", "signal", "judgements"}
    assert rel(rows[0]) == {"a": 1, "b": 0, "c": None, "d": 0}


def test_a_teacher_labels_the_first_windows(files):
    (row, *_) = read_rows(files / "d.jsonl")
    assert (row["signal"], rel(row)) == ("distill", {"a": 1, "b": 0, "c": 0, "d": None})
    assert len(row["prompt_sha256"]) == 16


def test_training_rows_join_the_signals_and_keep_the_users_fields(files):
    rows = read_rows(files / "train.jsonl")
    assert len(rows) == 6
    assert [p["pid"] for p in rows[0]["positives"]] == ["a"]
    assert [p["pid"] for p in rows[0]["negatives"]] == ["b", "c", "d"]
    assert rows[0]["signals"] == {"a": ["gold", "distill"]}
    assert rows[0]["topic"] == "mice"


def test_an_encoder_says_how_hard_negatives_are(files, tmp_path):
    out = tmp_path / "train.jsonl"
    words = ["make-train", "--labels", files / "gold.jsonl", "--labels", files / "d.jsonl"]
    words += ["--candidates", files / "candidates.jsonl.gz", "--encoder", files / "tiny"]
    command("cfr", *words, "--out", out)
    row = read_rows(out)[0]
    encoder = Encoder.load(str(files / "tiny"))
    query = encoder.encode([f"{row['claim']} [SEP] {row['question']}"])[0]
    scores = encoder.encode([p["text"] for p in row["negatives"]]) @ query
    assert list(scores) == sorted(scores, reverse=True)
    command("cfr", *words, "--hard-negatives", 1, "--out", out)
    assert [len(row["negatives"]) for row in read_rows(out)] == [1] * 6


def test_a_model_grades_the_readers_answers(files, tmp_path, capsys, grading):
    said = {"in mice": "GRADE: 5", "prices": "GRADE: 2", "x": "Hm."}
    right, question = TEXTS["a"], "what was tested"
    judge = grading({(question, right, text): reply for text, reply in said.items()})
    given = ["signals", "lerc", "--candidates", files / "candidates.jsonl.gz"]
    given += ["--references", files / "claims.jsonl", "--reader", f"replay:{files / 'one.jsonl'}"]
    out = tmp_path / "labels.jsonl"
    command("cfr", *given, "--scorer", judge, "--out", out, "--json")
    counts = json.loads(capsys.readouterr().out)
    rows = read_rows(out)
    assert [(j["score"], j["rel"]) for j in rows[0]["judgements"]] == [
        (1.0, 1),
        (0.0, 0),  # the reader: not answered
        (0.25, 0),
        (None, None),
    ]
    assert rows[0]["scorer"] == judge and len(rows[0]["scorer_prompt_sha256"]) == 16
    assert counts["notes"]["grades unparsed"] == 6 and counts["failed"] == 0
    other = grading({}, "other")
    told = [f"scorer {other} is not {judge} of then"]
    fails("cfr", *given, "--scorer", other, "--out", out, told=told)
    fresh = tmp_path / "fresh.jsonl"
    command("cfr", *given, "--scorer", other, "--out", fresh, "--json", code=3)
    assert json.loads(capsys.readouterr().out)["failed"] == 18


def training(files, *more):
    words = ["train", "--train", files / "train.jsonl", "--base", files / "tiny"]
    words += ["--epochs", 2, "--batch", 2, "--lr", 0.003, "--device", "cpu"]
    return [*words, *more]


@pytest.mark.parametrize("scope", ["full", "head"])
def test_a_trained_model_is_a_folder_that_search_and_others_load(files, tmp_path, scope):
    out = tmp_path / "ckpt"
    command("cfr", *training(files, "--scope", scope, "--query-format", "space"), "--out", out)
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["scope"] == scope and metrics["temperature"] == 0.05 and metrics["batch"] == 2
    assert metrics["rows"] + metrics["dev_rows"] == 6
    assert len(metrics["dev_mrr"]) <= 2
    encoder = Encoder.for_search(str(out))
    assert encoder.config.query_format == "space"
    assert not (out / "state").exists()
    from sentence_transformers import SentenceTransformer

    peer = SentenceTransformer(str(out), device="cpu")
    texts = list(TEXTS.values())
    assert abs(peer.encode_query(texts) - encoder.encode(texts, side="query")).max() < 1e-5
    ranked = tmp_path / "ranked.jsonl"
    command(
        "cfr",
        "rerank",
        "--model",
        out,
        "--candidates",
        files / "candidates.jsonl.gz",
        "--out",
        ranked,
    )
    assert len(read_rows(ranked)) == 6
    command("cfr", "export", "--model", out, "--out", tmp_path / "exported")
    again = SentenceTransformer(str(tmp_path / "exported"), device="cpu")
    assert abs(again.encode_query(texts) - peer.encode_query(texts)).max() < 1e-5


def test_a_killed_process_goes_on_to_the_same_model(files, tmp_path, monkeypatch):
    from cfr.training import loop, state

    words = training(files, "--scope", "head", "--epochs", 6)
    command("cfr", *words, "--out", tmp_path / "whole")
    save, out = state.State.save, tmp_path / "killed"
    with monkeypatch.context() as patch:
        patch.setitem(loop.fit.__kwdefaults__, "save_every", 0.0)
        patch.setattr(state.State, "save", lambda *given: (save(*given), time.sleep(0.3)))
        begun = out / "state" / "progress.json"
        kill_when("cfr", *words, "--out", out, when=begun.exists)
    assert not (out / "metrics.json").exists()
    command("cfr", *words, "--out", out)
    whole, resumed = (
        Encoder.for_search(str(folder)).encode(list(TEXTS.values()), side="query")
        for folder in (tmp_path / "whole", out)
    )
    assert np.array_equal(whole, resumed)


def test_a_run_that_is_done_is_told_again_and_not_run(files, tmp_path, capsys):
    out = tmp_path / "ckpt"
    command("cfr", *training(files, "--scope", "head"), "--out", out)
    first = capsys.readouterr().out
    weights = (out / "heads.safetensors").stat().st_mtime_ns
    command("cfr", *training(files, "--scope", "head"), "--out", out)
    assert capsys.readouterr().out == first
    assert (out / "heads.safetensors").stat().st_mtime_ns == weights
    fails(
        "cfr", *training(files, "--scope", "full"), "--out", out, told=["scope was", "--overwrite"]
    )
    (out / "mine.txt").write_text("mine")
    command("cfr", *training(files, "--scope", "full"), "--out", out, "--overwrite")
    assert not (out / "heads.safetensors").exists() and (out / "mine.txt").read_text() == "mine"


@pytest.mark.slow
def test_two_processes_train_one_model(files, tmp_path):
    """As the shipped configuration starts them: the model is that of one process, but rounded."""
    import subprocess

    words = training(files, "--scope", "full", "--dropout", 0, "--batch", 3, "--dev-share", 0.4)
    command("cfr", *words, "--out", tmp_path / "one")
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", ACCELERATE]
    launch += ["--main_process_port", 0, "-m", "cfr", *words, "--out", tmp_path / "two"]
    subprocess.run([str(word) for word in launch], check=True, timeout=240)
    one, two = (
        json.loads((tmp_path / name / "metrics.json").read_text()) for name in ("one", "two")
    )
    assert (one["processes"], two["processes"]) == (1, 2)
    assert two["loss"] == pytest.approx(one["loss"], abs=1e-4)
    vectors = [
        Encoder.for_search(str(tmp_path / name)).encode(list(TEXTS.values()))
        for name in ("one", "two")
    ]
    assert abs(vectors[0] - vectors[1]).max() < 1e-3


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--scope", "top-9"], "the model has 2 layers"),
        (["--scope", "everything"], "full, top-N"),
        (["--base", "/no/such"], "/no/such"),
        (["--temperature", 0], "temperature"),
    ],
)
def test_settings_that_cannot_be_are_refused(files, tmp_path, words, told):
    fails("cfr", *training(files, *words), "--out", tmp_path / "ckpt", told=[told])


def test_rows_without_any_positive_stop_before_training(files, tmp_path):
    rows = [row | {"positives": [], "signals": {}} for row in read_rows(files / "train.jsonl")]
    empty = write_rows(tmp_path / "empty.jsonl", rows)
    words = ["train", "--train", empty, "--base", files / "tiny", "--out", tmp_path / "ckpt"]
    fails("cfr", *words, told=["has a positive", "gold, distill, lerc"])


def test_labels_without_a_positive_make_no_rows_and_say_which_signal_was_empty(files, tmp_path):
    rows = read_rows(files / "gold.jsonl")
    for row in rows:
        for judgement in row["judgements"]:
            judgement["rel"] = 0
    none = write_rows(tmp_path / "none.jsonl", rows)
    words = ["make-train", "--labels", none, "--candidates", files / "candidates.jsonl.gz"]
    fails("cfr", *words, "--out", tmp_path / "t.jsonl", told=["without a positive: gold"])
    words[1:3] = ["--labels", files / "gold.jsonl", "--labels", files / "gold.jsonl"]
    fails("cfr", *words, "--out", tmp_path / "t.jsonl", told=["gold of 0:0", "twice"])


def test_the_synthetic_set_is_the_same_bytes_twice(tmp_path):
    for name in ("one", "two"):
        command("cfr", "synth", "--n", 20, "--seed", 0, "--out", tmp_path / f"{name}.jsonl")
    one, two = ((tmp_path / f"{name}.jsonl").read_bytes() for name in ("one", "two"))
    assert one == two
    assert len(read_rows(tmp_path / "one.jsonl")) == 20
    command("cfr", "synth", "--n", 4, "--out", tmp_path / "one.jsonl")
    row = read_rows(tmp_path / "one.jsonl")[0]
    assert {
        "qid",
        "claim",
        "question",
        "passages",
        "label",
        "entity",
        "process",
        "property",
        "relevant",
    } <= row.keys()
    assert len(row["passages"]) == 6 and len(row["relevant"]) == 1
    command(
        "cfr",
        "rerank",
        "--model",
        "minilm",
        "--candidates",
        tmp_path / "one.jsonl",
        "--out",
        tmp_path / "ranked.jsonl",
    )
    assert len(read_rows(tmp_path / "ranked.jsonl")) == 4


def test_the_synthetic_set_can_be_evaluated_and_trained_on(tmp_path, capsys):
    items, labels, rows = (tmp_path / f"{name}.jsonl" for name in ("items", "labels", "train"))
    words = ["synth", "--n", 20, "--split", "test", "--out", items, "--labels", labels]
    command("cfr", *words)
    assert [row["split"] for row in read_rows(items)] == ["test"] * 4
    for item, own in zip(read_rows(items), read_rows(labels), strict=True):
        assert [j["pid"] for j in own["judgements"] if j["rel"] == 1] == item["relevant"]
        assert len(own["judgements"]) == 6
    command("cfr", "make-train", "--labels", labels, "--candidates", items, "--out", rows)
    assert [len(row["negatives"]) for row in read_rows(rows)] == [5] * 4
    ranked = [
        {
            "qid": item["qid"],
            "results": [
                {"pid": p["pid"], "score": -place, "rank": place + 1}
                for place, p in enumerate(item["passages"])
            ],
        }
        for item in read_rows(items)
    ]
    write_rows(tmp_path / "ranked.jsonl", ranked)
    capsys.readouterr()
    words = ["evaluate", "retrieval", "--pred", tmp_path / "ranked.jsonl", "--ref", labels]
    command("cfr", *words, "--json")
    found = json.loads(capsys.readouterr().out)
    places = [
        1 + [p["pid"] for p in item["passages"]].index(item["relevant"][0])
        for item in read_rows(items)
    ]
    assert found["mrr"] == pytest.approx(sum(1 / place for place in places) / 4)


@pytest.mark.parametrize(
    "words", [("train",), ("signals", "distill"), ("signals", "lerc"), ("synth",), ("export",)]
)
def test_help_loads_no_model_library(words):
    assert not {"torch", "transformers", "sentence_transformers"} & imports_of_help("cfr", *words)
