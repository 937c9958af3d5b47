import json

import pytest
from cfr.inputs.hotpotqa import read_hotpotqa
from tenpapers.errors import UserError
from tenpapers.testing import write_rows

CONTEXT = [["Oil", ["Oil is black.", " It burns."]], ["Tea", ["Tea is green."]], ["Ink", ["Ink."]]]
OFFICIAL = {
    "_id": "5a8b",
    "question": "What burns?",
    "answer": "oil",
    "type": "bridge",
    "supporting_facts": [["Oil", 1], ["Ink", 0]],
    "context": CONTEXT,
}
HUB = {
    "id": "5a8b",
    "question": "What burns?",
    "answer": "oil",
    "supporting_facts": {"title": ["Oil", "Ink"], "sent_id": [1, 0]},
    "context": {
        "title": [title for title, _ in CONTEXT],
        "sentences": [sentences for _, sentences in CONTEXT],
    },
}


def test_both_forms_are_one_question(tmp_path):
    official = tmp_path / "hotpot.json"
    official.write_text(json.dumps([OFFICIAL]))
    (found,) = read_hotpotqa(official)
    assert read_hotpotqa(write_rows(tmp_path / "hub.jsonl.gz", [HUB])) == [found]
    assert (found.qid, found.claim, found.question) == ("5a8b:0", "", "What burns?")
    assert found.answers == ["oil"] and found.relevant == ["5a8b#0", "5a8b#2"]
    assert found.passages[0].document == "Oil Oil is black. It burns."


def test_a_fact_on_no_paragraph_is_refused(tmp_path):
    row = OFFICIAL | {"supporting_facts": [["Milk", 0]]}
    with pytest.raises(UserError, match="q.jsonl:1: supporting fact on 'Milk'"):
        read_hotpotqa(write_rows(tmp_path / "q.jsonl", [row]))
