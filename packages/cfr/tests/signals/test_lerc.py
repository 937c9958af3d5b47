import math

import pytest
from cfr.equivalence.answer_scores import AnswerScorer
from cfr.signals.lerc import equivalences, lerc, require_bounds
from tenpapers.errors import UserError

from .conftest import candidates, passage

SCORES = {"in 1931": 0.9, "in spring": 0.5, "long ago": 0.3, "never": 0.1}
ROW = candidates(
    passages=[passage(str(number), f"t{number}") for number in range(5)], answers=["1931", "spring"]
)


def scorer(seen=None):
    """Scores by the candidate; the second right answer gets a tenth more."""

    def compare(asked):
        if seen is not None:
            seen.extend(asked)
        return [SCORES[one.candidate] + 0.1 * (one.reference == "spring") for one in asked]

    return AnswerScorer("test", compare)


def said(labels):
    return [(None if j.score is None else round(j.score, 6), j.rel) for j in labels.judgements]


def test_the_best_of_several_right_answers_counts_and_what_is_not_answered_is_0(replayed):
    reader = replayed(
        **{
            "1:0|0": "in 1931",
            "1:0|1": "in spring",
            "1:0|2": "not answered",
            "1:0|3": "long ago",
            "1:0|4": "never",
        }
    )
    (labels,) = lerc([ROW], reader, scorer())
    assert said(labels) == [(1.0, 1), (0.6, None), (0.0, 0), (0.4, None), (0.2, 0)]
    assert labels.signal == "lerc" and labels.judgements[0].model_extra == {"answer": "in 1931"}
    (labels,) = lerc([ROW], reader, scorer(), hi=0.4, lo=0.1)
    assert [j.rel for j in labels.judgements] == [1, 1, 0, 1, None]


def test_each_window_is_read_alone_and_compared_with_its_text(replayed):
    seen = []
    reader = replayed(**{"1:0|0": "in 1931", "1:0|1": "in 1931"})
    lerc([ROW], reader, scorer(seen), windows=2)
    asked = {(one.context, one.question, one.reference, one.candidate) for one in seen}
    question = "When was the bridge built?"
    assert asked == {
        (context, question, right, "in 1931") for context in ("t0", "t1") for right in ROW.answers
    }


def test_a_window_that_failed_is_neither_and_the_query_is_asked_again(replayed):
    (one,) = equivalences([ROW], replayed(**{"1:0|0": "never"}), scorer(), windows=2)
    assert said(one.labels) == [(0.2, 0), (None, None)]
    assert one.failed == 1 and one.labels.error


def test_answers_of_the_references_win_and_a_query_without_any_is_not_asked(replayed):
    other = candidates("2:0", ROW.passages, answers=["x"])
    empty = candidates("3:0", answers=["x"])
    reader = replayed(**{"1:0|0": "Long ago.", "1:0|1": "never"})
    answers = {"1:0": ["long ago"], "2:0": [], "3:0": ["x"]}
    labels = lerc([ROW, other, empty], reader, scorer(), answers=answers, windows=2)
    assert said(labels[0])[1] == (0.1, 0)
    assert said(labels[0])[0] == (1.0, 1)  # word by word, so nothing was compared
    assert [row.skipped for row in labels[1:]] == ["no right answer", "no passages"]


@pytest.mark.parametrize(("hi", "lo"), [(0.2, 0.8), (math.nan, 0.3), (0.7, math.nan)])
def test_bounds_that_cross_are_refused(hi, lo):
    with pytest.raises(UserError, match="the second at most the first is wanted"):
        require_bounds(hi, lo)
