"""Paired bootstrap over test items."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

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


Outcome = Literal["shown", "not shown", "the opposite shows"]


def outcome(runs: Mapping[str, Comparison]) -> Outcome:
    """What all runs together say: shown only if every one of them shows it alone."""
    if runs and all(run.low > 0 for run in runs.values()):
        return "shown"
    if runs and all(run.high < 0 for run in runs.values()):
        return "the opposite shows"
    return "not shown"


def in_words(runs: Mapping[str, Comparison]) -> str:
    """Difference and 95% interval of every run, in points."""
    return "; ".join(
        f"{name}: {run.difference:+.1f} points (95% interval {run.low:+.1f} to {run.high:+.1f})"
        for name, run in runs.items()
    )


def sentence(claim: str, runs: Mapping[str, Comparison]) -> str:
    """Say from the numbers of every run whether a claim shows."""
    return f'"{claim}": {outcome(runs)} at this scale. {in_words(runs)}.'
