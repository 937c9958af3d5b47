"""Metrics of answers and citations."""

import math

import numpy as np
import pytest
from retrievalheads.scoring.metrics import (
    bootstrap_mean,
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


def test_a_mean_has_the_interval_of_its_resamples():
    """95 % of 1,000 resamples of 0 to 9, drawn here a second time."""
    values = np.arange(10.0)
    drawn = values[np.random.default_rng(3).integers(10, size=(1000, 10))].mean(1)
    wanted = (4.5, *np.quantile(drawn, [0.025, 0.975]))
    assert bootstrap_mean(values.tolist(), seed=3) == pytest.approx(wanted)
    assert wanted[1] < np.quantile(drawn, 0.05) and np.quantile(drawn, 0.95) < wanted[2]
    assert bootstrap_mean([0.4]) == (0.4, 0.4, 0.4)
    assert all(map(math.isnan, bootstrap_mean([])))
