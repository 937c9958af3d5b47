"""Metrics of answers and citations."""

import pytest
from retrievalheads.scoring.metrics import (
    citation,
    exact_match,
    f1,
    rouge1_recall,
    subspan_em,
)


def test_metrics_of_answers():
    """F1 and exact match of the specification's examples."""
    assert f1("the Wilhelm Röntgen", ["Wilhelm Conrad Röntgen"]) == pytest.approx(0.8)
    assert f1("", ["x"]) == 0 and f1("", [""]) == 1
    assert f1("Paris\nParis is", ["Paris"]) == 1
    assert exact_match("The Beatles!", ["beatles"]) == 1
    assert exact_match("x y", ["y x", "y"]) == 0
    assert subspan_em("It was the Beatles then", ["The Beatles"]) == 1
    assert subspan_em("anything", ["the"]) == 0
    assert rouge1_recall("He was eating sandwiches", "eat a sandwich") == pytest.approx(2 / 3)


def test_metrics_of_citations():
    """Numbers in brackets only; repeated and impossible ones."""
    found = citation("[1, 3] see [7]", {1, 7, 9}, 20)
    assert (found.precision, found.recall, found.f1) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert citation("1 and 7", {1, 7}, 20).f1 == 0 and not citation("1 and 7", {1}, 20).parsed
    found = citation("[7][7][99]", {7}, 20)
    assert (found.precision, found.recall, found.f1) == pytest.approx((0.5, 1, 2 / 3))
    with pytest.raises(ValueError, match="gold citations"):
        citation("[1]", set(), 20)
