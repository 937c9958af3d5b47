import gzip
import json

import pytest
from cfr.inputs.fetched import make
from tenpapers.paper import load_paper
from tenpapers.testing import fetched

CLAIM = {"claim": "Oil rose.", "claim_date": "1-2-2020", "label": "Refuted", "questions": []}
FOUND = [{"sentence": "Oil fell.", "url": "u"}]
PARAGRAPH = {"title": "Oil", "text": "Oil is black."}


def lines(*rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def test_the_published_files_make_ours(tmp_path):
    verdict = {"claim_id": 0, "claim": "Oil rose.", "evidence": [], "pred_label": "Refuted"}
    wice = {"claim": "c", "evidence": ["a"], "supporting_sentences": [[0]]}
    contents = {
        "data/dev.json": json.dumps([CLAIM] * 402).encode(),
        "data/train.json": json.dumps([CLAIM]).encode(),
        "data_store/baseline/dev_reranking_top_k.json": lines(
            {"claim_id": 399, "claim": "Oil rose.", "top_10": FOUND},
            {"claim_id": 400, "claim": "Oil rose.", "top_10": FOUND},
        ),
        "data_store/baseline/dev_veracity_prediction_8b.json": json.dumps(
            [verdict | {"llm_output": "it says"}, verdict | {"claim_id": 499}]
        ).encode(),
        "data/entailment_retrieval/claim/dev.jsonl": lines(wice),
        "data/entailment_retrieval/claim/test.jsonl": lines(wice, wice),
        "reproduce/dataset/2wikimultihopqa_corpus.json": json.dumps([PARAGRAPH] * 2).encode(),
    }
    files = {
        f"{home.commit[:7]}/{file.path}": contents[file.path]
        for home in load_paper("cfr").data
        for file in home.files
    }
    found = fetched("cfr", make, files, tmp_path)
    dev = found.pop("averitec_dev.jsonl.gz")
    assert [row["claim_id"] for row in dev] == list(range(402))
    assert found.pop("averitec_dev_0_399.jsonl.gz") == dev[:400]
    assert found == {
        "averitec_train.jsonl.gz": [{"claim_id": 0, **CLAIM}],
        "averitec_dev_web_evidence_0_399.jsonl.gz": [
            {"claim_id": 399, "claim": "Oil rose.", "passages": FOUND}
        ],
        "averitec_dev_predictions_8b_0_399.jsonl.gz": [verdict],
        "wice_claim_dev.jsonl.gz": [wice],
        "wice_claim_test.jsonl.gz": [wice, wice],
        "wiki_passages_6119.jsonl.gz": [{"id": 0, **PARAGRAPH}, {"id": 1, **PARAGRAPH}],
    }


@pytest.mark.acceptance
def test_the_data_at_hand_have_the_fields_that_we_write(data):
    fields = {
        "averitec_dev_web_evidence_0_399.jsonl.gz": {"claim_id", "claim", "passages"},
        "averitec_dev_predictions_8b_0_399.jsonl.gz": {
            "claim_id",
            "claim",
            "evidence",
            "pred_label",
        },
        "wiki_passages_6119.jsonl.gz": {"id", "title", "text"},
    }
    for name, wanted in fields.items():
        with gzip.open(data / name, "rt", encoding="utf-8") as stream:
            assert json.loads(next(stream)).keys() == wanted
