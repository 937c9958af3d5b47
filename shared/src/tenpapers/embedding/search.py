"""Exact search over embeddings of any number, a shard at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UserError

if TYPE_CHECKING:
    from jaxtyping import Float, Float32, Shaped

# Ids and vectors of some documents.
Shard = tuple[Sequence[str], np.ndarray]
# Rows of a shard that are scored at a time: bounds the memory of one block of scores.
BLOCK = 65_536


def search(
    queries: Float[np.ndarray, "queries dim"],
    shards: Iterable[Shard],
    k: int,
    *,
    metric: str = "cosine",
) -> tuple[Float32[np.ndarray, "queries k"], Shaped[np.ndarray, "queries k"]]:
    """The k best documents of every query: one matrix product a block, a running top k.

    Memory is O(Q k + block), whatever the number of shards; nothing is approximate.

    Parameters
    ----------
    queries : one vector each.
    shards : ids and vectors, shape (documents, dim), which may be memory-mapped and float16.
    k : number of results of a query; fewer where there are fewer documents.
    metric : "cosine" (both sides are normalised) or "dot".

    Returns
    -------
    Scores and ids, best first; of equal scores the document that comes first in the corpus.

    Raises
    ------
    UserError : another metric, another number of dimensions, no document, k below 1, a row that
        is not finite (it is named).
    """
    if metric not in ("cosine", "dot"):
        raise UserError(f"metric {metric}: unknown", "cosine or dot")
    require_positive(k)
    wanted = queries.astype(np.float32)
    require_finite(wanted, [f"query {row}" for row in range(len(wanted))])
    if metric == "cosine":
        wanted = _unit(wanted)
    scores = np.empty((len(wanted), 0), dtype=np.float32)
    ids = np.empty((len(wanted), 0), dtype=object)
    for names, vectors in shards:
        if vectors.ndim != 2 or vectors.shape[1] != wanted.shape[1]:
            raise UserError(
                f"embeddings of shape {vectors.shape}, queries have {wanted.shape[1]} dimensions",
                "both sides need one encoder",
            )
        if len(names) != len(vectors):
            raise UserError(f"{len(vectors)} embeddings for {len(names)} ids")
        named = np.asarray(names, dtype=object)
        for start in range(0, len(vectors), BLOCK):
            block = np.asarray(vectors[start : start + BLOCK], dtype=np.float32)
            require_finite(block, names[start : start + BLOCK])
            found = wanted @ (_unit(block) if metric == "cosine" else block).T
            scores, ids = _merged(scores, ids, found, named[start : start + BLOCK], k)
    if not scores.shape[1]:
        raise UserError("no document to search in")
    return scores, ids


def require_positive(k: int) -> int:
    """Give k back.

    Raises
    ------
    UserError : it is below 1.
    """
    if k < 1:
        raise UserError(f"k = {k}: 1 or more results are wanted")
    return k


def require_finite(vectors: Float32[np.ndarray, "rows dim"], names: Sequence[str]) -> None:
    """Stop at a vector that cannot be compared.

    Raises
    ------
    UserError : a row with NaN or infinity, by its name.
    """
    # A sum at the speed of memory; only where one is not finite are the numbers looked at.
    if np.isfinite(vectors @ np.ones(vectors.shape[1], dtype=np.float32)).all():
        return
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(bad):
        raise UserError(f"{names[bad[0]]}: its vector has a number that is not finite")


def _merged(
    scores: Float32[np.ndarray, "queries kept"],
    ids: Shaped[np.ndarray, "queries kept"],
    found: Float32[np.ndarray, "queries block"],
    names: Shaped[np.ndarray, " block"],
    k: int,
) -> tuple[Float32[np.ndarray, "queries k"], Shaped[np.ndarray, "queries k"]]:
    """Old and new results together, the k best of each query.

    Old ones stand first and the sort is stable, so that of equal scores the earlier row wins.
    """
    every = np.concatenate([scores, found], axis=1)
    kept = min(k, every.shape[1])
    # Everything that is not worse than the k-th best, ties included; only that is sorted.
    least = np.partition(every, every.shape[1] - kept, axis=1)[:, -kept]
    top = np.empty((len(every), kept), dtype=np.float32)
    named = np.empty((len(every), kept), dtype=object)
    n_old = scores.shape[1]
    for query, bound in enumerate(least):
        columns = np.flatnonzero(every[query] >= bound)
        order = columns[np.argsort(-every[query, columns], kind="stable")][:kept]
        top[query] = every[query, order]
        named[query] = [ids[query, i] if i < n_old else names[i - n_old] for i in order]
    return top, named


def _unit(vectors: Float32[np.ndarray, "rows dim"]) -> Float32[np.ndarray, "rows dim"]:
    """Rows of length 1; a row of zeros stays."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(length == 0, 1, length), dtype=np.float32)
