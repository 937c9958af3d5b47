"""How sure a mean is: intervals that resample claims, not their questions."""

import math
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

DRAWS = 1000
LEVEL = 0.95


class Interval(NamedTuple):
    """Where a mean lies, with its ends."""

    low: float
    high: float


def claim_of(qid: str) -> str:
    """The claim of a query: its `qid` without the number of the subquestion."""
    return qid.rpartition(":")[0] or qid


def interval(
    values: Sequence[float],
    units: Sequence[Hashable],
    *,
    draws: int = DRAWS,
    level: float = LEVEL,
    seed: int = 0,
) -> Interval:
    """Percentile bootstrap of a mean: whole units are drawn, with all values that they have.

    Questions of one claim are alike, so it is claims that were sampled.

    Parameters
    ----------
    units : what each value belongs to, such as its claim.
    draws : how many samples of as many units are drawn.

    Returns
    -------
    NaN at both ends where there are fewer than two units.
    """
    known = list(dict.fromkeys(units))
    if len(known) < 2:
        return Interval(math.nan, math.nan)
    place = {unit: number for number, unit in enumerate(known)}
    of_value = np.array([place[unit] for unit in units])
    sums = np.bincount(of_value, weights=np.asarray(values, dtype=float), minlength=len(known))
    counts = np.bincount(of_value, minlength=len(known))
    drawn = np.random.default_rng(seed).integers(len(known), size=(draws, len(known)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))
