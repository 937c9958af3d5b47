import math

import pytest
from cfr.equivalence.answer_scores import AnswerScorer
from cfr.equivalence.evaluate_answers import contexts_of, evaluate_answers
from cfr.records import Query, ReadAnswer
from tenpapers.errors import UserError
from tenpapers.testing import write_rows

QUERIES = [
    Query(qid="1:0", claim="c", question="Colour?", answers=["red", "dark red"]),
    Query(qid="1:1", claim="c", question="Size?", answers=["four feet"]),
    Query(qid="1:2", claim="c", question="Where?", answers=["Rome"]),
    Query(qid="2:0", claim="c", question="When?", answers=["1920"]),
    Query(qid="2:1", claim="c", question="Why?"),
]
ANSWERS = [
    ReadAnswer(qid="1:0", answer="The red."),
    ReadAnswer(qid="1:1", answer="four miles", pids=["p", "r"]),
    ReadAnswer(qid="1:2", answer="", answered=False),
    ReadAnswer(qid="2:1", answer="nobody knows"),
]


def test_what_is_missing_or_not_answered_scores_nothing():
    context = AnswerScorer("reads", lambda asked: [float(bool(one.context)) for one in asked])
    found = evaluate_answers(ANSWERS, QUERIES, [context], contexts={"1:1": "It is big."})
    assert found == {
        "n": 4,
        "skipped": 1,
        "answered": 2,
        "not_answered": 1,
        "missing": 1,
        "em": 0.25,
        "f1": (1 + 0.5) / 4,
        "reads": 0.5,  # word by word right, and 1 for what has a context
    }


def test_no_questions_are_no_number():
    assert math.isnan(evaluate_answers([], [])["f1"])


def test_answers_are_joined_by_question():
    with pytest.raises(UserError, match="question 1:0: has two answers"):
        evaluate_answers(ANSWERS[:1] * 2, QUERIES)
    with pytest.raises(UserError, match="question 1:1: has an answer and is not among the ref"):
        evaluate_answers(ANSWERS[:2], QUERIES[:1])


def test_a_context_is_what_was_read(tmp_path):
    passages = [{"pid": "p", "title": "T", "text": "one"}, {"pid": "r", "text": "two"}]
    row = QUERIES[1].model_dump() | {"passages": passages}
    file = write_rows(tmp_path / "c.jsonl", [row])
    assert contexts_of(ANSWERS[1:2], file) == {"1:1": "T one\ntwo"}
    assert contexts_of(ANSWERS, None) == {}
