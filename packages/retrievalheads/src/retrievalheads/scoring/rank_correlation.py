"""Rank correlation over few runs: exact p, bootstrap over examples, leave-one-out range.

Runs of several tasks, models, sizes or seeds are compared within each of these alone: what makes
one group better than another says nothing about x and y.
"""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations

EXACT_UP_TO = 9
# Orders of a permutation test within groups that are all tried; beyond that some are drawn.
EXACT_ORDERS, DRAWN_ORDERS = 400_000, 9_999

Pairs = tuple[Sequence[float], Sequence[float]]


def average_ranks(values: Sequence[float]) -> list[float]:
    """Ranks from 1; equal values share the mean of theirs."""
    order = sorted(range(len(values)), key=lambda i: values[i])
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        stop = start
        while stop < len(order) and values[order[stop]] == values[order[start]]:
            stop += 1
        for place in order[start:stop]:
            ranks[place] = (start + 1 + stop) / 2
        start = stop
    return ranks


def spearman(x: Sequence[float], y: Sequence[float]) -> tuple[float, float | None, int]:
    """Spearman's rho, its two-sided p, and n.

    p is exact (all permutations) up to n = 9, by the t approximation above, None where rho is NaN.
    Pairs with a NaN are left out; a constant input gives NaN, never 0.

    Raises
    ------
    ValueError : unequal lengths.
    """
    if len(x) != len(y):
        raise ValueError(f"{len(x)} and {len(y)} values")
    pairs = [(a, b) for a, b in zip(x, y, strict=True) if not (math.isnan(a) or math.isnan(b))]
    n = len(pairs)
    a, b = average_ranks([p[0] for p in pairs]), average_ranks([p[1] for p in pairs])
    rho = _pearson(a, b)
    if math.isnan(rho):
        return rho, None, n
    return rho, _exact_p(tuple(a), tuple(b)) if n <= EXACT_UP_TO else _t_p(rho, n), n


def _pearson(a: Sequence[float], b: Sequence[float]) -> float:
    n = len(a)
    if n < 2:
        return math.nan
    mean_a, mean_b = sum(a) / n, sum(b) / n
    da, db = [v - mean_a for v in a], [v - mean_b for v in b]
    scale = math.sqrt(sum(v * v for v in da) * sum(v * v for v in db))
    if not scale:
        return math.nan
    return max(-1.0, min(1.0, sum(p * q for p, q in zip(da, db, strict=True)) / scale))


@cache
def _exact_p(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Share of orders of b that correlate at least as strongly."""
    import numpy as np

    centred = np.array(a) - np.mean(a)
    orders = np.array(list(permutations(b)))
    products = orders @ centred
    seen = abs(float(np.array(b) @ centred))
    return float((np.abs(products) >= seen - 1e-9).mean())


def _t_p(rho: float, n: int) -> float:
    from scipy.stats import t

    if abs(rho) >= 1:
        return 0.0
    return float(2 * t.sf(abs(rho) * math.sqrt((n - 2) / (1 - rho * rho)), n - 2))


@dataclass(frozen=True)
class Correlation:
    """A rank correlation with what is known of its uncertainty.

    `low`, `high`: 95 % of the bootstrap over test examples (not over the few runs); `without`: the
    range when one run is left out.
    """

    rho: float
    p: float | None
    n: int
    low: float
    high: float
    without: tuple[float, float]


def correlate(
    x: Sequence[float],
    y: Sequence[float],
    per_example: Sequence[Sequence[float]] | None = None,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> Correlation:
    """Correlate one number a run with the runs' scores.

    Parameters
    ----------
    x, y : one value a run.
    per_example : each run's scores of the same test examples, whose mean is y; for the bootstrap.
    """
    rho, p, n = spearman(x, y)
    low = high = math.nan
    if per_example and len({len(values) for values in per_example}) == 1 and per_example[0]:
        low, high = _bootstrap(x, per_example, resamples, seed)
    left_out = [
        spearman([v for i, v in enumerate(x) if i != k], [v for i, v in enumerate(y) if i != k])[0]
        for k in range(len(x))
    ]
    known = [value for value in left_out if not math.isnan(value)]
    without = (min(known), max(known)) if known else (math.nan, math.nan)
    return Correlation(rho, p, n, low, high, without)


def _bootstrap(
    x: Sequence[float], per_example: Sequence[Sequence[float]], resamples: int, seed: int
) -> tuple[float, float]:
    """95 % of rho over resampled test examples; resamples without a rho do not count."""
    import numpy as np
    from scipy.stats import bootstrap

    ranks = average_ranks(x)

    def rho(*runs: Sequence[float]) -> float:
        return _pearson(ranks, average_ranks([float(np.mean(run)) for run in runs]))

    if len(per_example[0]) == 1:  # scipy wants two; one example resampled is itself
        return rho(*per_example), rho(*per_example)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scipy's, of resamples without a rho
        drawn = bootstrap(
            tuple(np.asarray(run, dtype=float) for run in per_example),
            rho,
            paired=True,
            vectorized=False,
            n_resamples=resamples,
            method="percentile",
            rng=np.random.default_rng(seed),
        ).bootstrap_distribution
    known = drawn[~np.isnan(drawn)]
    if not len(known):
        return math.nan, math.nan
    low, high = np.quantile(known, [0.025, 0.975])
    return float(low), float(high)


@dataclass(frozen=True)
class WithinGroups:
    """Rank correlation within groups; `p` by permuting y within each, two-sided.

    `n` runs in `groups` groups, those without any difference in x or in y left out.
    """

    rho: float
    p: float | None
    n: int
    groups: int


def within_groups(groups: Sequence[Pairs], *, seed: int = 0) -> WithinGroups:
    """Spearman's rho of ranks that are centred in each group, and its permutation test.

    Pairs with a NaN are left out. All orders are tried while there are at most `EXACT_ORDERS`.
    """
    import numpy as np

    ranked = []
    for x, y in groups:
        pairs = [(a, b) for a, b in zip(x, y, strict=True) if a == a and b == b]
        ranks = [np.array(average_ranks([pair[side] for pair in pairs])) for side in (0, 1)]
        if all(len(set(rank)) > 1 for rank in ranks):
            ranked.append((ranks[0] - ranks[0].mean(), ranks[1] - ranks[1].mean()))
    if not ranked:
        return WithinGroups(math.nan, None, 0, 0)
    seen = sum(float(a @ b) for a, b in ranked)
    scale = math.sqrt(sum(float(a @ a) for a, _ in ranked) * sum(float(b @ b) for _, b in ranked))
    if math.prod(math.factorial(len(a)) for a, _ in ranked) <= EXACT_ORDERS:
        sums = np.zeros(1)
        for a, b in ranked:
            sums = np.add.outer(sums, np.array(list(permutations(b))) @ a).ravel()
        p = float((np.abs(sums) >= abs(seen) - 1e-9).mean())
    else:
        draw, sums = np.random.default_rng(seed), np.zeros(DRAWN_ORDERS)
        for a, b in ranked:
            sums += draw.permuted(np.tile(b, (DRAWN_ORDERS, 1)), axis=1) @ a
        p = float((1 + (np.abs(sums) >= abs(seen) - 1e-9).sum()) / (1 + DRAWN_ORDERS))
    return WithinGroups(seen / scale, p, sum(len(a) for a, _ in ranked), len(ranked))
