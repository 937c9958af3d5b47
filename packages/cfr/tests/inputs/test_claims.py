import json
import logging
from datetime import date

import pytest
from cfr.inputs.claims import (
    can_be_evidence,
    claim_key,
    parse_date,
    queries_of,
    read_claims,
)
from cfr.records import Answer
from tenpapers.errors import UserError
from tenpapers.testing import write_rows

ROW = {
    "claim": "Oil rose.",
    "claim_date": "31-10-2020",
    "label": "Refuted",
    "reporting_source": "Facebook",
    "questions": [
        {
            "question": "Did it?",
            "answers": [
                {
                    "answer": "No.",
                    "answer_type": "Boolean",
                    "boolean_explanation": "It fell by 3 %.",
                },
                {"answer": "No answer could be found.", "answer_type": "Unanswerable"},
            ],
        },
        {"question": "When?", "answers": []},
    ],
}


def test_averitec_rows_are_read_unchanged(tmp_path):
    file = write_rows(tmp_path / "claims.jsonl.gz", [ROW | {"claim_id": 7}])
    (claim,) = read_claims(file)
    assert (claim.claim_id, claim.date, claim.speaker) == (7, "31-10-2020", None)
    assert claim.model_extra == {"reporting_source": "Facebook"}
    assert [q.model_dump() for q in queries_of([claim])] == [
        {
            "qid": "7:0",
            "claim": "Oil rose.",
            "question": "Did it?",
            "answers": ["No. It fell by 3 %."],
        },
        {"qid": "7:1", "claim": "Oil rose.", "question": "When?", "answers": []},
    ]


def test_a_json_list_without_ids_is_numbered(tmp_path):
    file = tmp_path / "dev.json"
    file.write_text(json.dumps([ROW, ROW | {"claim": "Oil fell."}], indent=4))
    assert [(claim.claim_id, claim.claim) for claim in read_claims(file)] == [
        (0, "Oil rose."),
        (1, "Oil fell."),
    ]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([ROW | {"claim_id": 1}, ROW], "claims.jsonl:2: missing field 'claim_id'"),
        ([{"claim_id": 1}], "claims.jsonl:1: missing field 'claim'"),
        ([ROW | {"claim": " "}], "claims.jsonl:1: the claim is empty"),
        ([ROW | {"claim_id": 1}, ROW | {"claim_id": "1"}], "claim_id '1' stands there twice"),
        ([], "no records in it"),
        (["a"], "claims.jsonl:1: an object is wanted"),
    ],
)
def test_what_is_no_claim_is_refused(tmp_path, rows, told):
    with pytest.raises(UserError, match=told):
        read_claims(write_rows(tmp_path / "claims.jsonl", rows))


def test_a_claim_without_questions_is_asked_alone(tmp_path, caplog):
    file = write_rows(tmp_path / "c.jsonl", [{"claim_id": 3, "claim": "Oil rose."}])
    with caplog.at_level(logging.WARNING):
        (query,) = queries_of(read_claims(file))
    assert (query.qid, query.claim, query.question) == ("3:0", "Oil rose.", "")
    assert "1 claims have no questions" in caplog.text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1-2-2020", date(2020, 2, 1)),
        ("2020-02-01T10:00:00Z", date(2020, 2, 1)),
        ("31-2-2020", None),
        ("yesterday", None),
        (None, None),
    ],
)
def test_dates(text, wanted):
    assert parse_date(text) == wanted


def test_a_claim_is_known_by_its_words():
    assert claim_key(" Oil  ROSE.\n") == claim_key("oil rose.")


def test_which_answers_can_be_looked_for():
    assert can_be_evidence(Answer(answer="It fell by three percent."))
    assert not can_be_evidence(Answer(answer="It fell by three."))
    assert not can_be_evidence(Answer(answer="It fell by three percent.", source_url="Metadata"))
    assert not can_be_evidence(
        Answer(answer="No answer could be found.", answer_type="Unanswerable")
    )
    assert can_be_evidence(
        Answer(answer="No", answer_type="Boolean", boolean_explanation="it fell last year")
    )
