import pytest
from tenpapers.errors import UserError
from tocot.scoring.equals_sign import (
    EqualsPair,
    equals_pairs,
    equals_split,
    pooled,
    subject_table,
    text_classifier,
)

from ..conftest import graded


def test_equals_by_hand():

    def pairs(with_cot, without_cot):
        made = [EqualsPair(float(n < 2), float(n < with_cot), True) for n in range(10)]
        return made + [EqualsPair(float(n < 30), float(n < without_cot), False) for n in range(40)]

    assert equals_split(pairs(8, 32)).share_with == pytest.approx(75)
    assert equals_split(pairs(8, 29)).share_with == pytest.approx(120)
    nothing = equals_split(pairs(8, 24))
    assert nothing.share_with is None and "no net gain" in nothing.reason
    both = pooled([equals_split(pairs(8, 32)), equals_split(pairs(8, 29))])
    assert (both.n_with, both.gain_with) == (20, 12)


def test_where_the_sign_is_looked_for():
    direct = [graded(str(n), "direct", False) for n in range(3)]
    cot = [
        graded("0", "cot", eq_question=True),
        graded("1", "cot", eq_response=True),
        graded("2", "cot", False, False),
    ]
    counts = {
        scope: equals_split(equals_pairs(direct, cot, scope))
        for scope in ("both", "question", "response", "paper-code")
    }
    assert [one.n_with for one in counts.values()] == [2, 1, 1, 2]
    assert counts["paper-code"].left_out == 1
    with pytest.raises(UserError, match="no CoT arm"):
        equals_pairs(direct, [])


def subject(name, direct, cot, n=10):
    """Credits of `n` items, of which so many are right in each arm."""
    return [(name, float(k < direct), float(k < cot)) for k in range(n)]


def test_error_reduction_is_the_share_of_the_direct_errors_that_go():
    """4 of 10 right, then 7: three of the six errors are gone; 8, then 7: half as many more."""
    table = subject_table(subject("law", 4, 7) + subject("art", 8, 7))
    rows = {row.pop("subject"): row for row in table}
    law = {"n": 10, "direct": pytest.approx(40), "cot": pytest.approx(70)}
    assert rows["law"] == law | {"error_reduction": pytest.approx(0.5)}
    assert rows["art"]["error_reduction"] == pytest.approx(-0.5)


def test_subjects_stand_by_error_reduction_those_without_errors_last():
    table = subject_table(
        subject("worse", 5, 3)
        + subject("faultless", 10, 10)
        + subject("even", 5, 5)
        + subject("better", 5, 9)
        + subject("small", 0, 3, n=3)
    )
    assert [row["subject"] for row in table] == ["better", "even", "worse", "faultless"]
    assert table[1]["error_reduction"] == 0 and table[3]["error_reduction"] is None


def test_a_classifier_of_texts_against_the_sign_alone():
    texts = ["x = 3 so"] * 20 + ["a tale of birds"] * 20
    found = text_classifier(texts, [True] * 20 + [False] * 20, [True] * 20 + [False] * 20)
    assert found["tf-idf"]["accuracy"] == found["equals sign"]["f1"] == 1
    with pytest.raises(UserError, match="folds"):
        text_classifier(texts, [True] * 40, [True] * 38 + [False] * 2)
