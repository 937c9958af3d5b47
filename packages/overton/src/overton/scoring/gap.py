"""How much of the way from a base model to the ceiling an alternative has gone."""

from __future__ import annotations

from dataclasses import dataclass
from math import isclose
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import bootstrap

from .similarity import PairScores

if TYPE_CHECKING:
    from jaxtyping import Float64
    from numpy import ndarray

DRAWS = 2000
# Entries of the drawn places that are held at a time.
_ENTRIES = 2_000_000


@dataclass(frozen=True)
class Difference:
    """A difference of means over pairs, and its 95 % interval over drawn questions.

    Parameters
    ----------
    low, high : None where there are fewer than two questions, or draws of them.
    """

    value: float
    low: float | None
    high: float | None


def gap_closed(x: float | None, base: float | None, ceiling: float | None) -> float | None:
    """Share (x - base) / (ceiling - base): 0 for the base model, 1 for the ceiling.

    None where there is no gap: ceiling and base that differ in their last bits alone have none.
    """
    if x is None or base is None or ceiling is None or isclose(ceiling, base):
        return None
    return (x - base) / (ceiling - base)


def difference_to(
    ceiling: PairScores, scores: PairScores, *, n_boot: int = DRAWS, seed: int = 0
) -> Difference | None:
    """Mean of an alternative less the ceiling's; None where one of the two has no pair.

    Questions are drawn with replacement, each with all its pairs of both (percentile bootstrap).
    """
    if scores.mean is None or ceiling.mean is None:
        return None
    value = scores.mean - ceiling.mean
    every = (scores.sums, scores.counts, ceiling.sums, ceiling.counts)
    kept = (scores.counts > 0) | (ceiling.counts > 0)
    columns = tuple(column[kept] for column in every)
    if len(columns[0]) < 2 or n_boot < 2:
        return Difference(value, None, None)

    def statistic(
        sums: Float64[ndarray, "... questions"],
        counts: Float64[ndarray, "... questions"],
        other_sums: Float64[ndarray, "... questions"],
        other_counts: Float64[ndarray, "... questions"],
        axis: int = -1,
    ) -> Float64[ndarray, " ..."]:
        own = sums.sum(axis) / counts.sum(axis)
        return own - other_sums.sum(axis) / other_counts.sum(axis)

    with np.errstate(invalid="ignore", divide="ignore"):
        found = bootstrap(
            columns,
            statistic,
            n_resamples=n_boot,
            batch=max(1, _ENTRIES // len(columns[0])),
            paired=True,
            vectorized=True,
            method="percentile",
            rng=np.random.default_rng(seed),
        ).confidence_interval
    low, high = (None if np.isnan(limit) else float(limit) for limit in found)
    return Difference(value, low, high)
