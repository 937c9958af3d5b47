"""BM25 Okapi on the index of bm25s, with the weights of rank_bm25."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UserError
from .search import require_positive

if TYPE_CHECKING:
    import bm25s
    from jaxtyping import Float32, Float64, Shaped

Tokenize = Callable[[str], Sequence[str]]


class Bm25Index:
    """BM25 Okapi with k1 = 1.5, b = 0.75 and the epsilon rule for frequent words.

    idf(t) = ln(N - df + 0.5) - ln(df + 0.5); where that is negative (a word in more than half of
    the documents) it is epsilon times the mean idf of the vocabulary. bm25s knows no such rule, so
    its index is built with an idf that is never 0 and weighed anew.

    Parameters
    ----------
    index : each word's share of each document's score.
    ids : of the documents.
    tokenize : from a text to its words.
    """

    def __init__(self, index: bm25s.BM25, ids: Sequence[str], tokenize: Tokenize) -> None:
        self.index = index
        self.ids = np.asarray(ids, dtype=object)
        self.tokenize = tokenize

    @classmethod
    def build(
        cls,
        documents: Sequence[tuple[str, str]],
        tokenize: Tokenize,
        *,
        k1: float = 1.5,
        b: float = 0.75,
        epsilon: float = 0.25,
    ) -> Bm25Index:
        """Index documents, (id, text) each.

        Raises
        ------
        UserError : no document, or none with a word.
        """
        import bm25s

        tokens = [list(tokenize(text)) for _, text in documents]
        if not any(tokens):
            raise UserError("no document with a word to index")
        index = bm25s.BM25(k1=k1, b=b, method="atire", idf_method="lucene", dtype="float64")
        index.index(tokens, create_empty_token=False, show_progress=False)
        frequency = np.diff(index.scores["indptr"])  # documents of each word
        odds = (len(tokens) - frequency + 0.5) / (frequency + 0.5)
        idf = np.log(odds)
        idf[idf < 0] = epsilon * idf.mean()
        index.scores["data"] *= np.repeat(idf / np.log1p(odds), frequency)
        return cls(index, [name for name, _ in documents], tokenize)

    def scores(self, query: str) -> Float64[np.ndarray, " documents"]:
        """Score of every document; a word that the query repeats counts as often."""
        words = self.index.get_tokens_ids(list(self.tokenize(query)))
        return np.asarray(self.index.get_scores_from_ids(words))

    def search(
        self, queries: Sequence[str], k: int
    ) -> tuple[Float32[np.ndarray, "queries k"], Shaped[np.ndarray, "queries k"]]:
        """Scores and ids of the k best documents, best first; of equals the earlier row.

        Raises
        ------
        UserError : k below 1.
        """
        kept = min(require_positive(k), len(self.ids))
        scores = np.empty((len(queries), kept), dtype=np.float32)
        ids = np.empty((len(queries), kept), dtype=object)
        for row, query in enumerate(queries):
            every = self.scores(query)
            order = np.argsort(-every, kind="stable")[:kept]
            scores[row], ids[row] = every[order], self.ids[order]
        return scores, ids
