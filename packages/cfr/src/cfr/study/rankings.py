"""Where each system ranks the first passage that answers, on every pool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ..inputs.averitec_pool import PooledQuery
from ..records import Candidates
from ..retrieval.bm25 import BM25
from ..retrieval.query_form import word_query
from ..retrieval.vectors import VectorSource
from .corpora import Corpus

if TYPE_CHECKING:
    from jaxtyping import Float

# By view and `qid` the rank, from 1, of the first relevant passage.
Ranks = dict[str, dict[str, int]]


class Scorer(Protocol):
    """Scores every passage of a corpus for queries."""

    def scores(self, queries: Sequence[PooledQuery]) -> Float[np.ndarray, "queries passages"]:
        """The higher, the better."""
        ...


class ByWords:
    """BM25; the weights of words are those of the whole corpus."""

    def __init__(self, corpus: Corpus) -> None:
        self._index = BM25(corpus.passages)

    def scores(self, queries: Sequence[PooledQuery]) -> Float[np.ndarray, "queries passages"]:
        """Scores of BM25."""
        return np.stack([self._index.scores(word_query(one.query)) for one in queries])


class ByVectors:
    """Inner products of an encoder's vectors."""

    def __init__(self, corpus: Corpus, source: VectorSource) -> None:
        self._documents = source.encode_passages(corpus.passages)
        self._source = source

    def scores(self, queries: Sequence[PooledQuery]) -> Float[np.ndarray, "queries passages"]:
        """Cosines, as the source normalises its vectors."""
        return self._source.encode_queries([one.query for one in queries]) @ self._documents.T


class Fused:
    """The sum of two scorers' standard scores over all passages of a query's pool."""

    def __init__(self, first: Scorer, second: Scorer) -> None:
        self._parts = first, second

    def scores(self, queries: Sequence[PooledQuery]) -> Float[np.ndarray, "queries passages"]:
        """Sums of standard scores."""
        return sum(  # type: ignore[return-value]
            standardized(part.scores(queries)) for part in self._parts
        )


class Reranked:
    """The second scorer's order of the first scorer's best; all others stand behind them."""

    def __init__(self, first: Scorer, second: Scorer, depth: int = 100) -> None:
        self._first, self._second, self._depth = first, second, depth

    def scores(self, queries: Sequence[PooledQuery]) -> Float[np.ndarray, "queries passages"]:
        """The second scorer's scores; minus infinity behind the depth."""
        found = np.array(self._second.scores(queries), dtype=np.float64)
        order = np.argsort(-self._first.scores(queries), axis=1, kind="stable")
        for row, behind in enumerate(order[:, self._depth :]):
            found[row, behind] = -np.inf
        return found


def standardized(scores: Float[np.ndarray, "queries passages"]) -> np.ndarray:
    """Scores of each query with mean 0 and standard deviation 1; equal ones are all 0."""
    centred = scores - scores.mean(axis=1, keepdims=True)
    spread = scores.std(axis=1, keepdims=True)
    return np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0)


def first_ranks(
    corpus: Corpus, queries: Sequence[PooledQuery], scores: Float[np.ndarray, "queries passages"]
) -> Ranks:
    """Rank of the first relevant passage of each query in each pool; of equal scores the earlier.

    A pool without a relevant passage of a query leaves the query out.
    """
    found: Ranks = {view: {} for view in corpus.views}
    for one, own in zip(queries, scores, strict=True):
        qid = one.query.qid
        for view in corpus.views:
            rows = corpus.rows(view, qid)
            order = rows[np.argsort(-own[rows], kind="stable")]
            rank = next(
                (n for n, row in enumerate(order, 1) if corpus.passages[row].pid in one.relevant), 0
            )
            if rank:
                found[view][qid] = rank
    return found


def best(
    corpus: Corpus,
    queries: Sequence[PooledQuery],
    scores: Float[np.ndarray, "queries passages"],
    depth: int,
) -> list[Candidates]:
    """Queries with their best passages among those that they may be shown."""
    found = []
    for one, own in zip(queries, scores, strict=True):
        rows = corpus.candidates(one.query.qid)
        order = rows[np.argsort(-own[rows], kind="stable")][:depth]
        query = one.query
        found.append(
            Candidates(
                qid=query.qid,
                claim=query.claim,
                question=query.question,
                answers=query.answers,
                passages=[corpus.passages[row] for row in order],
            )
        )
    return found


def mean_reciprocal(ranks: Mapping[str, int]) -> float:
    """Mean of 1 / rank."""
    return float(np.mean([1 / rank for rank in ranks.values()]))
