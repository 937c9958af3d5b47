"""Searching an index: BM25, dense, BM25 then reranked, or the two fused."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import typer
from tenpapers.embedding.search import require_positive
from tenpapers.errors import UserError

from ..records import Candidates, Passage, Query, Ranked
from .bm25 import best_rows
from .dense_index import DenseIndex
from .encoder import Encoder, Score
from .index_folder import IndexFolder
from .query_form import QueryFormat, word_query
from .rerank import by_score, rerank
from .vectors import VectorCache

if TYPE_CHECKING:
    from jaxtyping import Int64

log = logging.getLogger(__name__)
Mode = Literal["bm25", "dense", "rerank", "rrf"]
# Reciprocal rank fusion: what is added to a rank before it divides 1 (Cormack et al., 2009).
RRF = 60


@dataclass(frozen=True)
class SearchSettings:
    """How an index is searched."""

    mode: Annotated[
        Mode, typer.Option(help="rerank: BM25 first, then the encoder; rrf: BM25 and dense fused.")
    ] = "rerank"
    k: Annotated[int, typer.Option("--k", help="Results of a query.")] = 100
    first_stage_k: Annotated[
        int, typer.Option(help="What BM25 hands on (rerank), and what is fused (rrf).", min=1)
    ] = 100
    model: Annotated[
        str | None, typer.Option("--model", help="Reranker or encoder; default: the index's.")
    ] = None
    score: Annotated[
        Score | None, typer.Option(help="cosine or dot; default: what the checkpoint says.")
    ] = None
    query_format: Annotated[
        QueryFormat | None,
        typer.Option(help="How claim and question are joined; default: as the checkpoint says."),
    ] = None
    within: Annotated[
        str | None,
        typer.Option(help="Search among passages with the query's own value of this field."),
    ] = None
    force: Annotated[
        bool, typer.Option("--force", help="Search vectors of another encoder or score.")
    ] = False
    cache: Annotated[
        bool, typer.Option("--cache/--no-cache", help="Remember vectors that rerank computes.")
    ] = True


class Searcher:
    """An index with everything that a mode of search needs, loaded once.

    Parameters
    ----------
    folder : of the index.

    Raises
    ------
    UserError : no index, an encoder that cannot be found, one that the vectors are not of.
    """

    def __init__(self, folder: Path, settings: SearchSettings | None = None) -> None:
        self.settings = settings or SearchSettings()
        self.index = IndexFolder(folder)
        mode = self.settings.mode
        self.encoder: Encoder | None = None
        self.dense: DenseIndex | None = None
        if mode != "bm25":
            name = self.settings.model or self.index.encoder_name
            self.encoder = Encoder.for_search(
                name, score=self.settings.score, query_format=self.settings.query_format
            )
        if mode in ("dense", "rrf"):
            self.dense = self._dense()
        self.bm25 = self.index.bm25() if mode != "dense" else None

    def _dense(self) -> DenseIndex:
        assert self.encoder is not None
        return self.index.dense(
            model=self.encoder.identity,
            score=self.encoder.config.score,
            force=self.settings.force,
        )

    def search(self, queries: Sequence[Query], k: int | None = None) -> list[Ranked]:
        """Rankings of queries, in their order.

        Parameters
        ----------
        k : results of a query; default that of the settings.

        Raises
        ------
        UserError : k below 1; a query without the field of `within`.
        """
        wanted = require_positive(self.settings.k if k is None else k)
        if wanted > len(self.index.passages):
            log.warning(
                "k = %d, the index has %d passages: all of them", wanted, len(self.index.passages)
            )
            wanted = len(self.index.passages)
        within = self._within(queries)
        mode = self.settings.mode
        if mode == "bm25":
            return self._by_bm25(queries, wanted, within)
        if mode == "dense":
            return self._by_vectors(queries, wanted, within)
        depth = min(self.settings.first_stage_k, len(self.index.passages))
        if mode == "rerank":
            return self._reranked(self._by_bm25(queries, depth, within), queries, wanted)
        lexical, dense = (
            self._by_bm25(queries, depth, within),
            self._by_vectors(queries, depth, within),
        )
        pairs = zip(lexical, dense, strict=True)
        return [fused(pair, self.index.row_of.__getitem__, wanted) for pair in pairs]

    def candidates(self, queries: Sequence[Query], k: int | None = None) -> list[Candidates]:
        """Queries with the passages of their rankings, best first."""
        return self._with_passages(self.search(queries, k), queries)

    def passage(self, pid: str) -> Passage:
        """A passage by its name."""
        return self.index.passages[self.index.row_of[pid]]

    def _by_bm25(
        self, queries: Sequence[Query], k: int, within: list[Int64[np.ndarray, " rows"]] | None
    ) -> list[Ranked]:
        assert self.bm25 is not None
        ids, scores = self.bm25.search([word_query(query) for query in queries], k, within=within)
        return [
            self._ranked(query, rows[rows >= 0], own[rows >= 0])
            for query, rows, own in zip(queries, ids, scores, strict=True)
        ]

    def _by_vectors(
        self, queries: Sequence[Query], k: int, within: list[Int64[np.ndarray, " rows"]] | None
    ) -> list[Ranked]:
        assert self.encoder is not None and self.dense is not None
        vectors = self.encoder.encode_queries(queries)
        if within is not None:
            found = []
            for query, vector, rows in zip(queries, vectors, within, strict=True):
                scores = self.dense.scores_of(vector, rows)
                best = best_rows(scores, k)
                found.append(self._ranked(query, rows[best], scores[best]))
            return found
        if not queries:
            return []
        ids, every = self.dense.search(vectors, k)
        found = []
        for query, own, scores in zip(queries, ids, every, strict=True):
            there = own >= 0
            found.append(self._ranked(query, own[there], scores[there]))
        return found

    def _reranked(self, ranked: Sequence[Ranked], queries: Sequence[Query], k: int) -> list[Ranked]:
        assert self.encoder is not None
        source = (
            VectorCache(self.encoder, progress="vectors") if self.settings.cache else self.encoder
        )
        return rerank(self._with_passages(ranked, queries), source, k=k)

    def _ranked(self, query: Query, rows: Int64[np.ndarray, " rows"], scores: np.ndarray) -> Ranked:
        return by_score(query.qid, self.index.pids[rows].tolist(), scores)

    def _with_passages(
        self, ranked: Sequence[Ranked], queries: Sequence[Query]
    ) -> list[Candidates]:
        return [
            Candidates(
                **query.model_dump(exclude={"passages"}),
                passages=[self.passage(found.pid) for found in row.results],
            )
            for query, row in zip(queries, ranked, strict=True)
        ]

    def _within(self, queries: Sequence[Query]) -> list[Int64[np.ndarray, " rows"]] | None:
        """Rows that each query is searched in: those of its own value of a field."""
        name = self.settings.within
        if name is None:
            return None
        rows: dict[str, list[int]] = {}
        for row, passage in enumerate(self.index.passages):
            value = getattr(passage, name, None)
            if value is None:
                raise UserError(f"passage {passage.pid}: missing field {name!r} (--within)")
            rows.setdefault(str(value), []).append(row)
        return [np.array(rows.get(_value_of(query, name), []), dtype=np.int64) for query in queries]


def _value_of(query: Query, name: str) -> str:
    """A query's value of a field; its `claim_id` stands in its `qid` too."""
    value = getattr(query, name, None)
    if value is None and name == "claim_id":
        value = query.qid.rpartition(":")[0]
    if value is None:
        raise UserError(f"query {query.qid}: missing field {name!r} (--within)")
    return str(value)


def fused(rankings: Sequence[Ranked], row_of: Callable[[str], int], k: int) -> Ranked:
    """Reciprocal rank fusion: the sum of 1 / (60 + rank) over the rankings that have a passage.

    Parameters
    ----------
    row_of : place of a passage in the corpus; of equal scores the earlier one is first.
    k : results that are kept.
    """
    scores: defaultdict[str, float] = defaultdict(float)
    for ranking in rankings:
        for found in ranking.results:
            scores[found.pid] += 1 / (RRF + found.rank)
    pids = sorted(scores, key=row_of)
    return by_score(rankings[0].qid, pids, np.array([scores[pid] for pid in pids]), k)
