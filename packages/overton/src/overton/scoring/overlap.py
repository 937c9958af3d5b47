"""How much of their words texts share: Jaccard similarities of sets, many at once."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64
    from numpy import ndarray


def incidence(token_sets: Sequence[AbstractSet[Hashable]]) -> Float64[ndarray, "sets words"]:
    """Which set holds which word: a matrix of 0 and 1, words in order of first appearance."""
    columns: dict[Hashable, int] = {}
    places = [[columns.setdefault(word, len(columns)) for word in words] for words in token_sets]
    matrix = np.zeros((len(token_sets), len(columns)))
    for row, found in enumerate(places):
        matrix[row, found] = 1.0
    return matrix


def jaccard_matrix(
    token_sets: Sequence[AbstractSet[Hashable]],
) -> Float64[ndarray, "sets sets"]:
    """Jaccard similarity |A and B| / |A or B| of every pair of sets, by one matrix product.

    Returns
    -------
    A symmetric matrix; NaN where both sets are empty, 0 where one is.
    """
    held = incidence(token_sets)
    shared = held @ held.T
    sizes = held.sum(1)
    either = sizes[:, None] + sizes[None, :] - shared
    with np.errstate(invalid="ignore"):
        return np.where(either > 0, shared / either, np.nan)


def pairs_of(count: int) -> tuple[Int64[ndarray, " pairs"], Int64[ndarray, " pairs"]]:
    """Row and column of every pair of different things."""
    return np.triu_indices(count, 1)


def mean_pair(similarities: Float64[ndarray, "texts texts"]) -> float:
    """Mean over the pairs of different texts; NaN pairs are left out, NaN if none is left."""
    found = similarities[pairs_of(len(similarities))]
    found = found[~np.isnan(found)]
    return float(found.mean()) if found.size else float("nan")
