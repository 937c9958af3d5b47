"""Paired bootstrap over test items (section 5.6 of the spec)."""

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
    gaps = np.asarray(ours, dtype=float) - np.asarray(theirs, dtype=float)
    drawn = np.random.default_rng(seed).integers(len(gaps), size=(resamples, len(gaps)))
    means = gaps[drawn].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Comparison(float(gaps.mean()), float(low), float(high), float((means <= 0).mean()))


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
