import json

import pytest
from cfr.inputs.transfer_sets import transfer_rows
from cfr.scoring.references import (
    read_gold_paragraphs,
    read_labelled,
    read_page_sets,
    read_verdicts,
)
from tenpapers.errors import UserError
from tenpapers.testing import write_rows

FEVER = {
    "id": 9,
    "claim": "It is so.",
    "label": "SUPPORTS",
    "evidence": [[[1, 2, "Fox_-LRB-band-RRB-", 7], [1, 2, "Hen", 0]], [[3, 4, "Hen", 1]]],
}
CLAIMDECOMP = {"example_id": 4, "claim": "It is so.", "label": "half-true", "annotations": []}
HOTPOTQA = {
    "_id": "h",
    "question": "q?",
    "answer": "a",
    "context": [["A", ["x"]], ["B", ["y"]], ["C", ["z"]]],
    "supporting_facts": [["A", 0], ["C", 0]],
}


@pytest.mark.parametrize(("dataset", "row"), [("fever", FEVER), ("claimdecomp", CLAIMDECOMP)])
def test_labels_are_the_same_before_and_after_conversion(tmp_path, dataset, row):
    theirs = write_rows(tmp_path / "theirs.jsonl", [row])
    converted = [one.model_dump(mode="json") for one in transfer_rows(dataset, theirs)]
    ours = write_rows(tmp_path / "ours.jsonl.gz", converted)
    found = [read_labelled(file, dataset) for file in (theirs, ours)]
    told = [[(str(one.claim_id), one.claim, one.label) for one in claims] for claims in found]
    assert told[0] == told[1] == [(str(row.get("id", 4)), row["claim"], row["label"])]


def test_pages_that_decide_a_claim(tmp_path):
    theirs = write_rows(tmp_path / "theirs.jsonl", [FEVER])
    converted = [one.model_dump(mode="json") for one in transfer_rows("fever", theirs)]
    ours = write_rows(tmp_path / "ours.jsonl", converted)
    wanted = {"9:0": [{"Fox (band)", "Hen"}, {"Hen"}]}
    assert read_page_sets(theirs) == read_page_sets(ours) == wanted


def test_paragraphs_that_answer_a_question(tmp_path):
    theirs = tmp_path / "hotpot.json"
    theirs.write_text(json.dumps([HOTPOTQA]))
    converted = [one.model_dump(mode="json") for one in transfer_rows("hotpotqa", theirs)]
    ours = write_rows(tmp_path / "ours.jsonl", converted)
    assert read_gold_paragraphs(theirs) == read_gold_paragraphs(ours) == {"h:0": ["h#0", "h#2"]}


def test_verdicts_are_lines_or_one_list(tmp_path):
    row = {"claim_id": 3, "pred_label": "Refuted", "evidence": []}
    listed = tmp_path / "verdicts.json"
    listed.write_text(json.dumps([row]))
    assert read_verdicts(listed) == read_verdicts(write_rows(tmp_path / "v.jsonl.gz", [row]))
    listed.write_text(json.dumps([row, {"claim_id": 4}]))
    with pytest.raises(UserError, match="row 1: missing field 'pred_label'"):
        read_verdicts(listed)
    with pytest.raises(UserError, match="no records in it"):
        read_verdicts(write_rows(tmp_path / "empty.jsonl", []))
