"""Paired bootstrap over test items."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from tenpapers.errors import UserError


class Comparison(NamedTuple):
    """Mean difference (in the units of the values), its 95% interval, one-sided p."""

    difference: float
    low: float
    high: float
    p: float

    @property
    def stars(self) -> str:
        """`*` below .05, `+` below .1, as the paper marks its transfer figure."""
        return "*" if self.p < 0.05 else "+" if self.p < 0.1 else ""


def paired_bootstrap(
    ours: Sequence[float], theirs: Sequence[float], *, resamples: int = 10_000, seed: int = 42
) -> Comparison:
    """Is the first better than the second on the same items?

    p is the share of resamples whose mean difference is not above 0.

    Raises
    ------
    UserError : different numbers of items, or none.
    """
    if len(ours) != len(theirs) or not len(ours):
        raise UserError(f"{len(ours)} and {len(theirs)} items cannot be paired")
    from scipy.stats import bootstrap

    gaps = np.asarray(ours, dtype=float) - np.asarray(theirs, dtype=float)
    if len(gaps) == 1:  # a single item says nothing about another
        return Comparison(float(gaps[0]), -np.inf, np.inf, 1.0)
    found = bootstrap(
        (gaps,),
        np.mean,
        n_resamples=resamples,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    low, high = found.confidence_interval
    p = float((found.bootstrap_distribution <= 0).mean())
    return Comparison(float(gaps.mean()), float(low), float(high), p)


def sentence(claim: str, comparison: Comparison) -> str:
    """Say from the numbers whether a claim shows: shown, not shown, or the opposite."""
    if comparison.low > 0:
        verdict = "shown"
    elif comparison.high < 0:
        verdict = "the opposite shows"
    else:
        verdict = "not shown"
    return (
        f'"{claim}": {verdict} at this scale (difference {comparison.difference:+.1f} points, 95% '
        f"interval {comparison.low:+.1f} to {comparison.high:+.1f}, one-sided p = "
        f"{comparison.p:.3f})."
    )
