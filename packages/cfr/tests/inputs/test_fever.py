import pytest
from cfr.inputs.fever import page_title, read_fever
from tenpapers.errors import UserError
from tenpapers.testing import write_rows

OFFICIAL = [
    {
        "id": 91198,
        "verifiable": "NOT VERIFIABLE",
        "label": "NOT ENOUGH INFO",
        "claim": "Colin played.",
        "evidence": [[[108548, None, None, None]]],
    },
    {
        "id": 194462,
        "label": "REFUTES",
        "claim": "Tilda was a vegan.",
        "evidence": [
            [[227768, 238096, "Tilda_Swinton", 7], [227768, 238096, "Vegan_-LRB-diet-RRB-", 0]],
            [[227769, 238097, "Tilda_Swinton", 7], [227769, 238097, "Vegan_-LRB-diet-RRB-", 0]],
            [[227770, 238098, "Tilda_Swinton", 2]],
        ],
    },
]


def test_official_rows(tmp_path):
    none, two = read_fever(write_rows(tmp_path / "dev.jsonl", OFFICIAL))
    assert (none.claim_id, none.label, none.evidence_sets) == (91198, "NOT ENOUGH INFO", [])
    assert two.evidence_sets == [
        [("Tilda_Swinton", 7), ("Vegan_-LRB-diet-RRB-", 0)],
        [("Tilda_Swinton", 2)],
    ]
    assert two.page_sets == [{"Tilda Swinton", "Vegan (diet)"}, {"Tilda Swinton"}]
    assert (two.query.qid, two.query.claim, two.query.question) == (
        "194462:0",
        "Tilda was a vegan.",
        "",
    )


def test_rows_of_the_hub_are_put_together(tmp_path):
    flat = {"id": 5, "label": "SUPPORTS", "claim": "c"}
    rows = [
        flat | {"evidence_id": 1, "evidence_wiki_url": "A", "evidence_sentence_id": 0},
        flat | {"evidence_id": 1, "evidence_wiki_url": "B", "evidence_sentence_id": 3},
        flat | {"evidence_id": 2, "evidence_wiki_url": "C", "evidence_sentence_id": 1},
        {"id": 6, "label": "NOT ENOUGH INFO", "claim": "d", "evidence_wiki_url": ""},
    ]
    five, six = read_fever(write_rows(tmp_path / "hub.jsonl", rows))
    assert five.evidence_sets == [[("A", 0), ("B", 3)], [("C", 1)]]
    assert six.evidence_sets == []


def test_another_label_is_refused(tmp_path):
    file = write_rows(tmp_path / "dev.jsonl", [OFFICIAL[1] | {"label": "MAYBE"}])
    with pytest.raises(UserError, match=r"dev.jsonl:1: label 'MAYBE'; one of SUPPORTS"):
        read_fever(file)


def test_titles_as_people_write_them():
    assert page_title("Alien-COLON-_3_-LRB-film-RRB-") == "Alien: 3 (film)"
