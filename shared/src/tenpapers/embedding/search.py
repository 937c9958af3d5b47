"""Exact search over embeddings of any number, a shard at a time."""

from collections.abc import Iterable, Sequence

import numpy as np

from ..errors import UserError

Shard = tuple[Sequence[str], np.ndarray]
# Rows of a shard that are scored at a time: bounds the memory of one block of scores.
BLOCK = 65_536


def search(
    queries: np.ndarray, shards: Iterable[Shard], k: int, *, metric: str = "cosine"
) -> tuple[np.ndarray, np.ndarray]:
    """The k best documents of every query: one matrix product a block, a running top k.

    Memory is O(Q k + block), whatever the number of shards; nothing is approximate.

    Parameters
    ----------
    queries : float32 [Q, d].
    shards : (ids, array [n, d]); the arrays may be memory-mapped and float16.
    k : results a query; fewer where there are fewer documents.
    metric : "cosine" (both sides are normalised) or "dot".

    Returns
    -------
    scores float32 [Q, k] and ids object [Q, k], best first; of equal scores the row that comes
    first in the corpus.

    Raises
    ------
    UserError : another metric, another number of dimensions, no document.
    """
    if metric not in ("cosine", "dot"):
        raise UserError(f"metric {metric}: unknown", "cosine or dot")
    wanted = _unit(queries.astype(np.float32)) if metric == "cosine" else queries.astype(np.float32)
    scores = np.empty((len(wanted), 0), dtype=np.float32)
    ids = np.empty((len(wanted), 0), dtype=object)
    for names, vectors in shards:
        if vectors.ndim != 2 or vectors.shape[1] != wanted.shape[1]:
            raise UserError(
                f"embeddings of shape {vectors.shape}, queries have {wanted.shape[1]} dimensions",
                "both sides need one encoder",
            )
        named = np.asarray(names, dtype=object)
        for start in range(0, len(vectors), BLOCK):
            block = np.asarray(vectors[start : start + BLOCK], dtype=np.float32)
            found = wanted @ (_unit(block) if metric == "cosine" else block).T
            scores, ids = _merged(scores, ids, found, named[start : start + BLOCK], k)
    if not scores.shape[1]:
        raise UserError("no document to search in")
    return scores, ids


def _merged(
    scores: np.ndarray, ids: np.ndarray, found: np.ndarray, names: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Old and new results together, the k best of each query.

    Old ones stand first and the sort is stable, so that of equal scores the earlier row wins.
    """
    every = np.concatenate([scores, found], axis=1)
    kept = min(k, every.shape[1])
    if kept < every.shape[1]:
        # Everything that is not worse than the k-th best, ties included; only that is sorted.
        least = np.partition(every, every.shape[1] - kept, axis=1)[:, -kept]
    else:
        least = np.full(len(every), -np.inf, dtype=np.float32)
    top = np.empty((len(every), kept), dtype=np.float32)
    named = np.empty((len(every), kept), dtype=object)
    for row, bound in enumerate(least):
        places = np.flatnonzero(every[row] >= bound)
        order = places[np.argsort(-every[row, places], kind="stable")][:kept]
        top[row] = every[row, order]
        old = scores.shape[1]
        named[row] = [ids[row, i] if i < old else names[i - old] for i in order]
    return top, named


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Rows of length 1; a row of zeros stays."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(length == 0, 1, length), dtype=np.float32)
