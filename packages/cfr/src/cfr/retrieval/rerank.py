"""The second stage: candidates of a query ranked by an encoder."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from tenpapers.embedding.search import require_finite, require_positive
from tenpapers.errors import UserError

from ..records import Candidates, Ranked, Result
from .bm25 import best_rows
from .nearest import unit
from .vectors import VectorSource

if TYPE_CHECKING:
    from jaxtyping import Float32

log = logging.getLogger(__name__)
_QUERIES = 512  # that are ranked at a time: bounds the vectors that are held


def rerank(
    candidates: Sequence[Candidates], encoder: VectorSource, *, k: int | None = 10
) -> list[Ranked]:
    """Rank each query's candidates by the encoder's score, best first.

    A query without candidates has an empty ranking. A passage that several queries share is
    encoded once.

    Parameters
    ----------
    k : results of a query, all of them where there are fewer or where it is None.

    Raises
    ------
    UserError : k below 1; a text whose vector is not finite.
    """
    if k is not None:
        require_positive(k)
    ranked = []
    for start in range(0, len(candidates), _QUERIES):
        some = candidates[start : start + _QUERIES]
        texts = {passage.document: passage for row in some for passage in row.passages}
        row_of = {text: row for row, text in enumerate(texts)}
        vectors = encoder.encode_passages(list(texts.values()))
        require_finite(vectors, [passage.pid for passage in texts.values()])
        queries = encoder.encode_queries(some)
        require_finite(queries, [row.qid for row in some])
        if encoder.config.score == "cosine":
            vectors, queries = unit(vectors), unit(queries)
        for row, query in zip(some, queries, strict=True):
            own = vectors[[row_of[passage.document] for passage in row.passages]]
            pids = [passage.pid for passage in row.passages]
            ranked.append(by_score(row.qid, pids, own @ query, k))
    return ranked


def by_score(
    qid: str, pids: Sequence[str], scores: Float32[np.ndarray, " passages"], k: int | None = None
) -> Ranked:
    """A ranking by falling score; of equal scores the earlier passage.

    Raises
    ------
    UserError : a score that is no number.
    """
    if np.isnan(scores).any():
        pid = pids[int(np.flatnonzero(np.isnan(scores))[0])]
        raise UserError(f"query {qid}, passage {pid}: its score is not a number")
    order = best_rows(np.asarray(scores), k or len(pids))
    return Ranked(
        qid=qid,
        results=[
            Result(pid=pids[row], score=float(scores[row]), rank=rank)
            for rank, row in enumerate(order.tolist(), 1)
        ],
    )
