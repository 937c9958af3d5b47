"""Spearman's rho, its exact p and what is known of its uncertainty."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from retrievalheads.scoring import rank_correlation
from retrievalheads.scoring.rank_correlation import correlate, spearman, within_groups


def test_exact_p_of_five_pairs():
    """The permutation p of the specification's examples; a constant gives NaN."""
    x = [1, 2, 3, 4, 5]
    for y, rho, p in [
        ([1, 2, 3, 4, 5], 1, 1 / 60),
        ([1, 2, 3, 5, 4], 0.9, 0.0833333),
        ([2, 1, 3, 5, 4], 0.8, 0.1333333),
    ]:
        found = spearman(x, y)
        assert found[0] == pytest.approx(rho) and found[1] == pytest.approx(p, abs=1e-6)
    rho, p, n = spearman(x, [2, 2, 2, 2, 2])
    assert math.isnan(rho) and p is None and n == 5


@given(st.integers(0, 10_000))
def test_rho_equals_scipy(seed):
    """On tied vectors, to 1e-12."""
    from scipy.stats import spearmanr

    draw = torch.Generator().manual_seed(seed)
    n = int(torch.randint(3, 30, (1,), generator=draw))
    x, y = (torch.randint(0, 6, (n,), generator=draw).tolist() for _ in range(2))
    rho, p, _ = spearman(x, y)
    if len(set(x)) == 1 or len(set(y)) == 1:
        assert math.isnan(rho)
        return
    theirs = spearmanr(x, y)
    assert rho == pytest.approx(theirs.statistic, abs=1e-12)
    if n > 9:
        assert p == pytest.approx(theirs.pvalue, abs=1e-9)


def test_correlate_bootstraps_examples_and_leaves_one_out():
    x = [0.1, 0.2, 0.3, 0.4, 0.9]
    per_example = [[v, v, v, v] for v in x]
    found = correlate(x, x, per_example)
    assert found.rho == 1 and (found.low, found.high) == (1, 1) and found.without == (1, 1)


def test_rank_correlation_within_groups_by_hand(monkeypatch):
    """Ranks -1, 0, 1 in each group: sums 2 and 1 of 2 + 2; a group without differences is left out.

    Of the 36 pairs of orders, which give -2, -1, -1, 1, 1 or 2 each, ten sum to 3 or more or to -3
    or less.
    """
    groups = [([1, 2, 3], [4, 5, 6]), ([10, 20, 30], [0.1, 0.3, 0.2]), ([7, 7], [1, 2])]
    found = within_groups(groups)
    assert (found.rho, found.n, found.groups) == (pytest.approx(0.75), 6, 2)
    assert found.p == pytest.approx(10 / 36)
    monkeypatch.setattr(rank_correlation, "EXACT_ORDERS", 0)
    assert within_groups(groups).p == pytest.approx(10 / 36, abs=0.02)
    assert math.isnan(within_groups([([1, 1], [1, 2])]).rho)


def test_the_interval_of_rho_resamples_examples_and_not_runs():
    """Three runs of 12 examples; resamples in which all means are equal do not count."""
    from scipy.stats import rankdata

    recall = [0.2, 0.4, 0.3]
    runs = np.array([[1, 0, 0, 0] * 3, [1, 1, 0, 0] * 3, [0, 0, 1, 1, 1, 0] * 2], dtype=float)
    found = correlate(recall, runs.mean(1).tolist(), runs.tolist(), seed=5)
    index = np.random.default_rng(5).integers(12, size=(1000, 12))
    means = runs[:, index].mean(2).T
    rhos = [
        np.corrcoef(rankdata(recall), rankdata(row))[0, 1] for row in means if len(set(row)) > 1
    ]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(rhos, [0.025, 0.975])))
    assert found.rho == pytest.approx(0.8660254)
    assert found.without == pytest.approx((1, 1))
