"""Paired tests: bootstrap over items, McNemar, t-test over cells, Bonferroni's family."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tenpapers.errors import UserError

RESAMPLES = 1_000_000
# Numbers drawn at a time: bounds memory.
CHUNK = 200_000


@dataclass(frozen=True)
class BootstrapResult:
    """A paired difference and how sure it is; shares, not percent.

    Parameters
    ----------
    delta : mean of b - a; None without items.
    p : one-sided, for b better than a; 1 where delta is not positive.
    ci_low, ci_high : percentile interval of 95 %.
    """

    delta: float | None
    p: float | None
    ci_low: float | None
    ci_high: float | None


def bootstrap_paired(
    a: NDArray[np.float64], b: NDArray[np.float64], resamples: int = RESAMPLES, seed: int = 0
) -> BootstrapResult:
    """Paired bootstrap in the form of Berg-Kirkpatrick et al., as the paper's text has it.

    Differences take few values, so the sum of a resample depends only on how often each value is
    drawn, and those counts are multinomial: no resample is ever formed, which makes a million of
    them take a quarter of a second (`scipy.stats.bootstrap` would draw every item). The order of
    the items does not matter.

    Parameters
    ----------
    a, b : credits of the same items, float [n]: direct answers and chains of thought.
    resamples : R; p cannot be below 1 / (R + 1).

    Raises
    ------
    UserError : different lengths.
    """
    if len(a) != len(b):
        raise UserError(f"arms of {len(a)} and {len(b)} items")
    n = len(a)
    if n == 0:
        return BootstrapResult(None, None, None, None)
    # Rounded, so that 1 - 1/3 and 2/3 are one value.
    values, counts = np.unique(np.round(np.asarray(b) - np.asarray(a), 12), return_counts=True)
    delta = float(values @ counts) / n
    if len(values) == 1:
        return BootstrapResult(delta, 1.0 if delta <= 0 else 1 / (resamples + 1), delta, delta)
    rng = np.random.default_rng(seed)
    means = np.empty(resamples)
    for start in range(0, resamples, CHUNK):
        size = min(CHUNK, resamples - start)
        means[start : start + size] = rng.multinomial(n, counts / n, size=size) @ values / n
    low, high = np.quantile(means, [0.025, 0.975])
    p = 1.0
    if delta > 0:
        p = (int(np.count_nonzero(means >= 2 * delta - 1e-12)) + 1) / (resamples + 1)
    return BootstrapResult(delta, p, float(low), float(high))


def mcnemar(only_b: int, only_a: int) -> float:
    """Exact one-sided McNemar: binomial test on the discordant pairs, for b better than a."""
    from scipy.stats import binomtest

    if only_a + only_b == 0:
        return 1.0
    return float(binomtest(only_b, only_a + only_b, 0.5, alternative="greater").pvalue)


def paired_t(deltas: Sequence[float]) -> float | None:
    """Two-sided paired t-test over cells; None for fewer than two."""
    from scipy.stats import ttest_1samp

    if len(deltas) < 2:
        return None
    p = float(ttest_1samp(deltas, 0.0).pvalue)
    return None if math.isnan(p) else p


def discordant(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[int, int]:
    """Items that only b has right, and only a; a guess's share of a point is no right answer."""
    right_a, right_b = a >= 1, b >= 1
    return int(np.count_nonzero(right_b & ~right_a)), int(np.count_nonzero(right_a & ~right_b))


def least_resamples(alpha: float) -> int:
    """Resamples that a level needs: ten times its inverse."""
    return math.ceil(10 / alpha)
