"""Nearest neighbours by cosine: which questions, or answers, are most alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from tenpapers.errors import UserError

if TYPE_CHECKING:
    from jaxtyping import Float, Int64
    from numpy import ndarray

# Similarities that are held at a time.
_ENTRIES = 8_000_000


def knn(embeddings: Float[ndarray, "texts dim"], k: int) -> Int64[ndarray, "texts k"]:
    """The `k` nearest others of every row, nearest first; ties go to the lower row.

    Rows are brought to length 1 in float64; near is a large inner product.

    Raises
    ------
    UserError : k is not between 1 and the number of rows - 1; rows with NaN, infinity or only
        zeros.
    """
    count = len(embeddings)
    if embeddings.ndim != 2:
        raise UserError(f"embeddings have {embeddings.ndim} axes, rows of vectors are wanted")
    if not 1 <= k < count:
        raise UserError(f"-k {k}: of {count} texts each has {count - 1} neighbours", "lower -k")
    exact = np.asarray(embeddings, dtype=np.float64)
    with np.errstate(over="ignore"):
        lengths = np.linalg.norm(exact, axis=1)
    wrong = np.flatnonzero(~(np.isfinite(lengths) & (lengths > 0)))
    if wrong.size:
        shown = ", ".join(map(str, wrong[:10])) + (", ..." if wrong.size > 10 else "")
        raise UserError(f"embeddings: rows {shown} are zero or no numbers", "embed them again")
    exact = exact / lengths[:, None]
    nearest = np.empty((count, k), dtype=np.int64)
    step = max(1, _ENTRIES // count)
    for start in range(0, count, step):
        similar = exact[start : start + step] @ exact.T
        rows = np.arange(len(similar))
        similar[rows, start + rows] = -np.inf
        last = np.partition(similar, -k, axis=1)[:, -k]
        for row in rows:
            near = np.flatnonzero(similar[row] >= last[row])
            order = np.argsort(-similar[row, near], kind="stable")
            nearest[start + row] = near[order[:k]]
    return nearest
