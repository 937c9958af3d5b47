"""How similar the texts of two labels are: mean cosines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float


def cosine_matrix(
    vectors: Float[np.ndarray, "n dim"], labels: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Mean cosine of all pairs of two labels' texts, pairs of a text with itself included.

    The mean over all |a| x |b| pairs is the inner product of the two labels' mean unit vectors,
    so no pair is formed.

    Parameters
    ----------
    vectors : float32 [N, d].
    """
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors.astype(np.float64) / np.where(norms == 0, 1, norms)
    label_of_row = np.asarray(labels)
    names = sorted(set(labels))
    means = np.stack([unit[label_of_row == name].mean(axis=0) for name in names])
    table = means @ means.T
    return {a: {b: float(table[i, j]) for j, b in enumerate(names)} for i, a in enumerate(names)}


def pairwise_cosine(vectors: Float[np.ndarray, "n dim"]) -> Float[np.ndarray, "n n"]:
    """Cosine of every pair, float32 [N, N]."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.where(norms == 0, 1, norms)
    return unit @ unit.T
