import math

import pytest
from cfr.scoring.evidence_recall import evidence_recall, paragraphs_found
from tenpapers.errors import UserError


def test_one_whole_set_has_to_be_found():
    rankings = {"c": ["p1", "p2", "p3"], "d": ["p9"], "e": ["p1"]}
    evidence = {"c": [{"p1", "p3"}, {"p8"}], "d": [{"p9"}], "e": [], "f": [{"p1"}]}
    assert evidence_recall(rankings, evidence, (1, 2, 3)) == {
        "n": 3,
        "skipped": 1,
        "evidence_recall@1": 1 / 3,
        "evidence_recall@2": 1 / 3,
        "evidence_recall@3": 2 / 3,
    }


def test_an_empty_set_is_no_evidence():
    found = evidence_recall({"c": ["p"]}, {"c": [set()]}, (1,))
    assert found["n"] == 0 and math.isnan(found["evidence_recall@1"])


def test_both_paragraphs():
    rankings = {"q": ["a", "b", "c"], "r": ["x", "y"]}
    gold = {"q": ["a", "c"], "r": ["x", "z"], "s": []}
    assert paragraphs_found(rankings, gold, (2, 3)) == {
        "n": 2,
        "skipped": 1,
        "recall@2": 0.5,
        "both_found@2": 0,
        "recall@3": 0.75,
        "both_found@3": 0.5,
    }


def test_rankings_of_other_questions_are_refused():
    with pytest.raises(UserError, match="none of 1 queries is ranked"):
        paragraphs_found({"x": ["a"]}, {"q": ["a"]}, (2,))
    with pytest.raises(UserError, match="none of 1 queries is ranked"):
        evidence_recall({"x": ["a"]}, {"c": [{"a"}]}, (1,))
