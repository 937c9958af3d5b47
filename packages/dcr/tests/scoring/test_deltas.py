import numpy as np
import pytest
from dcr.scoring.deltas import Delta, interval, paired_delta


def test_a_delta_is_the_mean_of_the_differences_of_known_pairs():
    found = paired_delta([1.0, 2.0, None, 4.0], [2.0, 2.5, 5.0, None], draws=10)
    assert (found.n, found.original, found.refined, found.delta) == (2, 1.5, 2.25, 0.75)


def test_nothing_known_has_no_mean_and_one_pair_has_no_interval():
    assert paired_delta([None], [3.0]) == Delta(0, None, None, None, None, None)
    assert paired_delta([1.0], [3.0]) == Delta(1, 1.0, 3.0, 2.0, None, None)


def test_the_interval_is_that_of_a_bootstrap_written_out():
    gains = [0.0, 1.0, 0.0, 2.0, -1.0]
    drawn = np.random.default_rng(3).integers(5, size=(200, 5))
    means = np.array([[gains[i] for i in row] for row in drawn]).mean(axis=1)
    wanted = np.quantile(means, [0.025, 0.975])
    assert interval(gains, range(5), draws=200, seed=3) == pytest.approx(tuple(wanted))


def test_texts_of_one_document_are_drawn_together():
    # two documents with equal gains inside: only whole documents can change the mean
    low, high = interval([1.0, 1.0, 0.0, 0.0], ["a", "a", "b", "b"], draws=500)
    assert {low, high} <= {0.0, 0.5, 1.0}
    assert interval([1.0, 1.0, 0.0, 0.0], ["a"] * 4) == (None, None)


def test_the_same_seed_gives_the_same_interval():
    values, units = [n * n / 7 for n in range(9)], range(9)
    assert interval(values, units, seed=1) == interval(values, units, seed=1)
    assert interval(values, units, seed=1) != interval(values, units, seed=2)
