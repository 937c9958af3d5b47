"""The nearest of all vectors, exactly: every one is scored, a block at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from .bm25 import best_rows

if TYPE_CHECKING:
    from jaxtyping import Float, Float32, Int64

BLOCK = 65_536  # rows that are scored at a time
# Rows of a query, rising, with their scores.
Found = tuple[np.ndarray, np.ndarray]


def nearest(
    vectors: Float[np.ndarray, "rows dim"],
    wanted: Float32[np.ndarray, "queries dim"],
    k: int,
    *,
    normalize: bool,
) -> list[Found]:
    """The k best rows of each query; of equal scores the earlier rows.

    Parameters
    ----------
    vectors : which may be memory-mapped and float16; `normalize` divides them by their length.
    """
    found = [(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)) for _ in wanted]
    for start, block in blocks(vectors, normalize=normalize):
        every = wanted @ block.T
        for query, scores in enumerate(every):
            best = np.sort(best_rows(scores, k))
            old_rows, old_scores = found[query]
            rows = np.concatenate([old_rows, start + best])
            together = np.concatenate([old_scores, scores[best]])
            kept = np.sort(best_rows(together, k))
            found[query] = rows[kept], together[kept]
    return found


def blocks(
    vectors: Float[np.ndarray, "rows dim"], *, normalize: bool
) -> Iterator[tuple[int, Float32[np.ndarray, "rows dim"]]]:
    """Vectors in blocks, float32, each with the number of its first row."""
    for start in range(0, len(vectors), BLOCK):
        block = np.ascontiguousarray(vectors[start : start + BLOCK], dtype=np.float32)
        yield start, unit(block) if normalize else block


def unit(vectors: Float32[np.ndarray, "rows dim"]) -> Float32[np.ndarray, "rows dim"]:
    """Rows of length 1; a row of zeros stays."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(length == 0, 1, length), dtype=np.float32)


def recall(wanted: Int64[np.ndarray, "queries k"], found: Int64[np.ndarray, "queries n"]) -> float:
    """Share of the wanted rows that were found."""
    hits = sum(len(np.intersect1d(own, other)) for own, other in zip(wanted, found, strict=True))
    return float(hits / wanted.size)
