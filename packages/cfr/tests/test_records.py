import pytest
from cfr.records import Answer, Candidates, Claim, Passage
from pydantic import ValidationError


def test_a_boolean_answer_stands_with_its_explanation():
    answer = Answer(answer="No.", answer_type="Boolean", boolean_explanation="It fell.")
    assert answer.joined == "No. It fell."
    assert Answer(answer="No.", answer_type="Boolean").joined == "No."
    assert Answer(answer="It fell.", answer_type="Extractive").joined == "It fell."


def test_a_document_is_title_and_text():
    assert Passage(pid="p", title="Oil", text="It rose.").document == "Oil It rose."
    assert Passage(pid="p", text="It rose.").document == "It rose."


def test_names_may_be_numbers_and_be_called_id():
    assert Passage.model_validate({"id": 3, "text": "t"}).pid == "3"
    assert Passage.model_validate({"_id": "d3", "text": "t"}).pid == "d3"
    assert Candidates.model_validate({"qid": 4, "claim": "c"}).qid == "4"
    with pytest.raises(ValidationError):
        Passage.model_validate({"text": "t"})


def test_what_may_be_missing_may_be_null_and_nothing_else():
    passage = Passage.model_validate({"pid": "p", "text": "t", "title": None, "mine": None})
    assert (passage.document, passage.model_extra) == ("t", {"mine": None})
    claim = Claim.model_validate({"claim_id": 1, "claim": "c", "questions": None, "label": None})
    assert (claim.questions, claim.label) == ((), None)
    assert claim.model_fields_set == {"claim_id", "claim", "label"}
    with pytest.raises(ValidationError, match="text"):
        Passage.model_validate({"pid": "p", "text": None})


def test_questions_and_answers_may_be_texts_alone():
    asked = ["Did it?", {"question": "When?", "answers": ["In May."]}]
    claim = Claim.model_validate({"claim_id": 1, "claim": "c", "questions": asked})
    assert [(one.question, [a.joined for a in one.answers]) for one in claim.questions] == [
        ("Did it?", []),
        ("When?", ["In May."]),
    ]


def test_fields_of_the_users_own_come_back():
    row = {"claim_id": 1, "claim": "c", "claim_date": "1-2-2020", "mine": [1]}
    dumped = Claim.model_validate(row).model_dump()
    assert (dumped["date"], dumped["mine"]) == ("1-2-2020", [1])
