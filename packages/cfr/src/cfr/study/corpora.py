"""The three corpora of the study, and the pools of passages that their queries are asked of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..inputs.averitec_pool import (
    CLAIMS,
    WEB,
    PooledQuery,
    build_pool,
    read_web_sentences,
)
from ..inputs.claims import read_claims
from ..inputs.wice import read_wice
from ..records import Claim, Passage, Pool
from ..synthetic.draw import synth
from .settings import Study

if TYPE_CHECKING:
    from jaxtyping import Int64

WICE = "wice_claim_dev.jsonl.gz"
# Names of the pools, as tables and figures have them.
FULL, ANSWERS = "AV-400", "AV-400, answers only"
ARTICLE, WINDOWS = "WiCE, own article", "WiCE, all windows"
OWN, ALL = "synthetic, own six", "synthetic, all windows"


@dataclass(frozen=True)
class Corpus:
    """Passages, queries to train on and to test with, and what is ranked for each query.

    Parameters
    ----------
    own : by `qid` the rows of the query's own passages; empty where every query is asked of all.
    views : by name of a pool its rows; None for the rows of `own`.
    """

    name: str
    passages: Sequence[Passage]
    train: Sequence[PooledQuery]
    test: Sequence[PooledQuery]
    own: Mapping[str, Int64[np.ndarray, " own"]]
    views: Mapping[str, Int64[np.ndarray, " pool"] | None]

    def rows(self, view: str, qid: str) -> Int64[np.ndarray, " pool"]:
        """Rows of the passages that are ranked for a query."""
        rows = self.views[view]
        return self.own[qid] if rows is None else rows

    def candidates(self, qid: str) -> Int64[np.ndarray, " pool"]:
        """Rows that a training query may be shown."""
        return self.own[qid] if self.own else np.arange(len(self.passages))


def averitec_corpus(study: Study, folder: Path) -> tuple[Corpus, list[Claim]]:
    """AV-400 with its two pools, and its test claims.

    Raises
    ------
    UserError : a file is missing or not what it should be.
    """
    claims = read_claims(folder / CLAIMS)
    web = read_web_sentences(folder / WEB)
    pool = build_pool(claims, web, train_claims=study.train_claims)
    written = [row for row, passage in enumerate(pool.passages) if passage.pseudo]
    views = {FULL: np.arange(len(pool.passages)), ANSWERS: np.array(written, dtype=np.int64)}
    corpus = Corpus("AV-400", pool.passages, pool.train, pool.test, {}, views)
    return corpus, claims[study.train_claims :]


def wice_corpus(study: Study, folder: Path) -> Corpus:
    """WiCE with the pool of a claim's own article and that of all.

    Raises
    ------
    UserError : the file is missing or not what it should be.
    """
    rows = read_wice(folder / WICE)[: study.wice_rows]
    first = study.wice_train_rows
    return corpus_of("WiCE", rows[:first], rows[first:], (ARTICLE, WINDOWS))


def synthetic_corpus(study: Study) -> Corpus:
    """The synthetic set; its last fifth is the test, the others may be trained on."""
    items = synth(study.synthetic, seed=study.seed)
    train = [item for item in items if item.split == "train" and study.synthetic_tuned]
    test = [item for item in items if item.split == "test"]
    return corpus_of("synthetic", train, test, (OWN, ALL))


def corpus_of(
    name: str, train: Sequence[Pool], test: Sequence[Pool], views: tuple[str, str]
) -> Corpus:
    """One corpus of queries that have pools of their own; a passage of several stands once.

    Parameters
    ----------
    views : names of the pool of a query's own passages, and of that of all.
    """
    place: dict[str, int] = {}
    passages: list[Passage] = []
    own = {}
    for row in (*train, *test):
        for passage in row.passages:
            if passage.pid not in place:
                place[passage.pid] = len(passages)
                passages.append(passage)
        own[row.qid] = np.array([place[passage.pid] for passage in row.passages], dtype=np.int64)
    return Corpus(
        name,
        passages,
        _pooled(train, train=True),
        _pooled(test, train=False),
        own,
        {views[0]: None, views[1]: np.arange(len(passages))},
    )


def _pooled(rows: Sequence[Pool], *, train: bool) -> list[PooledQuery]:
    """Queries that some passage answers."""
    return [PooledQuery(row, frozenset(row.relevant), train) for row in rows if row.relevant]
