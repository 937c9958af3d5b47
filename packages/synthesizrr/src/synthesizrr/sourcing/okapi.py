"""BM25 Okapi on the index of bm25s, with the weights of rank_bm25."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from tenpapers.embedding.search import require_positive
from tenpapers.errors import UserError

if TYPE_CHECKING:
    from jaxtyping import Float32, Float64, Int, Shaped

Tokenize = Callable[[str], Iterable[str]]
K1, B = 1.5, 0.75  # of Okapi
EPSILON = 0.25  # of the mean idf: what a word in more than half of the documents weighs


class Weights(NamedTuple):
    """A sparse matrix: each word's share of each document's score, word after word.

    Parameters
    ----------
    values, documents : of all words; those of word w stand from `starts[w]` to `starts[w + 1]`.
    """

    values: Float64[np.ndarray, " shares"]
    documents: Int[np.ndarray, " shares"]
    starts: Int[np.ndarray, " words"]


class Bm25Index:
    """BM25 Okapi with k1 = 1.5, b = 0.75 and the epsilon rule for frequent words.

    idf(t) = ln(N - df + 0.5) - ln(df + 0.5); where that is negative it is epsilon times the mean
    idf of the vocabulary. bm25s knows no such rule, so its index is built with an idf that is never
    0 and weighed anew.

    Parameters
    ----------
    words : the number of each word in `weights`.
    ids : of the documents.
    tokenize : from a text to its words.
    """

    def __init__(
        self,
        weights: Weights,
        words: Mapping[str, int],
        ids: Sequence[str],
        tokenize: Tokenize,
    ) -> None:
        self.weights, self.words = weights, words
        self.ids = np.asarray(ids, dtype=object)
        self.tokenize = tokenize

    @classmethod
    def build(cls, documents: Iterable[tuple[str, str]], tokenize: Tokenize) -> Bm25Index:
        """Index documents, (id, text) each, of which the words' numbers are held and no text.

        Raises
        ------
        UserError : no document, or none with a word.
        """
        import bm25s
        from bm25s.tokenization import Tokenized

        ids: list[str] = []
        words: dict[str, int] = {}
        coded: list[list[int]] = []
        for name, text in documents:
            ids.append(name)
            coded.append([words.setdefault(word, len(words)) for word in tokenize(text)])
        if not words:
            raise UserError("no document with a word to index")
        index = bm25s.BM25(k1=K1, b=B, method="atire", idf_method="lucene", dtype="float64")
        index.index(Tokenized(coded, words), create_empty_token=False, show_progress=False)
        frequency = np.diff(index.scores["indptr"])  # documents of each word
        odds = (len(ids) - frequency + 0.5) / (frequency + 0.5)
        idf = np.log(odds)
        idf[idf < 0] = EPSILON * idf.mean()
        index.scores["data"] *= np.repeat(idf / np.log1p(odds), frequency)
        weights = Weights(
            index.scores["data"],
            index.scores["indices"].astype(np.intp),  # as NumPy wants it, or it converts each time
            index.scores["indptr"],
        )
        return cls(weights, words, ids, tokenize)

    def scores(self, query: str) -> Float64[np.ndarray, " documents"]:
        """Score of every document; a word that the query repeats counts as often."""
        found = np.zeros(len(self.ids))
        for word, count in sorted(Counter(self.tokenize(query)).items()):
            if (row := self.words.get(word)) is not None:
                own = slice(self.weights.starts[row], self.weights.starts[row + 1])
                values = self.weights.values[own]
                # No copy where it is not needed; `found[...] += values` takes twice as long.
                np.add.at(
                    found, self.weights.documents[own], values if count == 1 else count * values
                )
        return found

    def search(
        self, queries: Sequence[str], k: int
    ) -> tuple[Float32[np.ndarray, "queries k"], Shaped[np.ndarray, "queries k"]]:
        """Scores and ids of the k best documents, best first; of equals the earlier row.

        A document without a word of the query has the score 0.

        Raises
        ------
        UserError : k below 1.
        """
        kept = min(require_positive(k), len(self.ids))
        scores = np.empty((len(queries), kept), dtype=np.float32)
        ids = np.empty((len(queries), kept), dtype=object)
        for row, query in enumerate(queries):
            every = self.scores(query)
            best = _best(every, kept)
            scores[row], ids[row] = every[best], self.ids[best]
        return scores, ids


def _best(scores: Float64[np.ndarray, " documents"], k: int) -> Int[np.ndarray, " k"]:
    """Rows of the k best; only what is not worse than the k-th, ties included, is sorted."""
    rows = np.flatnonzero(scores >= np.partition(scores, len(scores) - k)[len(scores) - k])
    order = np.argsort(-scores[rows], kind="stable")[:k]
    return rows[order]
