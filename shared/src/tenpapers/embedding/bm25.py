"""BM25 Okapi as one sparse matrix: a search is a product, not a loop over documents."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UserError

if TYPE_CHECKING:
    from jaxtyping import Float32, Float64, Shaped
    from scipy.sparse import csr_matrix

Tokenize = Callable[[str], Sequence[str]]
_WORD = re.compile(r"\w+|[^\w\s]")


def words(text: str) -> list[str]:
    """Words and signs, as they stand (no lower-casing)."""
    return _WORD.findall(text)


class Bm25Index:
    """BM25 Okapi with k1 = 1.5, b = 0.75 and the epsilon rule for frequent words.

    idf(t) = ln(N - df + 0.5) - ln(df + 0.5); where that is negative (a word in more than half of
    the documents) it is epsilon times the mean idf of the vocabulary.

    Parameters
    ----------
    weights : shape (words, documents), each word's share of a document's score.
    vocabulary : row of each word.
    ids : of the documents.
    tokenize : from a text to its words.
    """

    def __init__(
        self,
        weights: csr_matrix,
        vocabulary: dict[str, int],
        ids: Sequence[str],
        tokenize: Tokenize,
    ) -> None:
        self.weights = weights
        self.vocabulary = vocabulary
        self.ids = np.asarray(ids, dtype=object)
        self.tokenize = tokenize

    @classmethod
    def build(
        cls,
        documents: Sequence[tuple[str, str]],
        tokenize: Tokenize = words,
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
        from scipy.sparse import csr_matrix

        counts = [Counter(tokenize(text)) for _, text in documents]
        lengths = np.array([sum(count.values()) for count in counts], dtype=float)
        if not len(lengths) or not lengths.any():
            raise UserError("no document with a word to index")
        vocabulary: dict[str, int] = {}
        for count in counts:
            for word in count:
                vocabulary.setdefault(word, len(vocabulary))
        rows = np.array([vocabulary[word] for count in counts for word in count])
        columns = np.repeat(np.arange(len(counts)), [len(count) for count in counts])
        frequency = np.array([n for count in counts for n in count.values()], dtype=float)
        document_frequency = np.bincount(rows, minlength=len(vocabulary))
        idf = np.log(len(counts) - document_frequency + 0.5) - np.log(document_frequency + 0.5)
        idf[idf < 0] = epsilon * idf.mean()
        saturation = k1 * (1 - b + b * lengths[columns] / lengths.mean())
        values = idf[rows] * frequency * (k1 + 1) / (frequency + saturation)
        shape = (len(vocabulary), len(counts))
        weights = csr_matrix((values, (rows, columns)), shape=shape)
        return cls(weights, vocabulary, [name for name, _ in documents], tokenize)

    def scores(self, query: str) -> Float64[np.ndarray, " documents"]:
        """Score of every document; a word that the query repeats counts as often."""
        asked = Counter(word for word in self.tokenize(query) if word in self.vocabulary)
        total = np.zeros(len(self.ids))
        for word, times in asked.items():
            row = self.vocabulary[word]
            start, stop = self.weights.indptr[row : row + 2]
            total[self.weights.indices[start:stop]] += times * self.weights.data[start:stop]
        return total

    def search(
        self, queries: Sequence[str], k: int
    ) -> tuple[Float32[np.ndarray, "queries k"], Shaped[np.ndarray, "queries k"]]:
        """Scores and ids of the k best documents, best first; of equals the earlier row."""
        kept = min(k, len(self.ids))
        scores = np.empty((len(queries), kept), dtype=np.float32)
        ids = np.empty((len(queries), kept), dtype=object)
        for row, query in enumerate(queries):
            every = self.scores(query)
            order = np.argsort(-every, kind="stable")[:kept]
            scores[row], ids[row] = every[order], self.ids[order]
        return scores, ids
