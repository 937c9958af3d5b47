"""BM25, the first stage: bm25s with Lucene's formula, and ties in the corpus's order."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from tenpapers.embedding.search import require_positive
from tenpapers.errors import UserError
from tenpapers.records import read_json, write_json

from ..records import Passage

if TYPE_CHECKING:
    from jaxtyping import Float32, Int, Int64

K1, B = 1.5, 0.75
_ARRAYS = ("values", "rows", "starts")


def words(text: str) -> list[str]:
    r"""Words of a text: `\w+` in lower case; no stemming, no stop list."""
    return re.findall(r"\w+", text.lower())


class BM25:
    """BM25 with k1 = 1.5, b = 0.75 and Lucene's idf, ln(1 + (N - df + 0.5) / (df + 0.5)).

    The score of a document is the sum over the query's words of idf * tf / (tf + k1 (1 - b + b
    length / mean length)); a word that the query repeats counts as often.

    Parameters
    ----------
    passages : with titles, which are read too; or plain texts.
    tokenize : from a text to its words.

    Raises
    ------
    UserError : no passage, or none with a word.
    """

    def __init__(
        self,
        passages: Sequence[Passage] | Sequence[str],
        *,
        tokenize: Callable[[str], list[str]] = words,
        k1: float = K1,
        b: float = B,
    ) -> None:
        import bm25s
        from bm25s.tokenization import Tokenized

        logging.getLogger("bm25s").setLevel(logging.WARNING)  # it tells of every step
        vocabulary: dict[str, int] = {}
        number = vocabulary.setdefault
        coded = [
            [number(word, len(vocabulary)) for word in tokenize(_text(passage))]
            for passage in passages
        ]
        if not vocabulary:
            raise UserError("no passage with a word to index")
        index = bm25s.BM25(k1=k1, b=b, method="lucene")
        index.index(Tokenized(coded, vocabulary), create_empty_token=False, show_progress=False)
        parts = [index.scores[name] for name in ("data", "indices", "indptr")]
        self._keep(len(coded), vocabulary, tokenize, *parts)

    def _keep(
        self,
        count: int,
        vocabulary: dict[str, int],
        tokenize: Callable[[str], list[str]],
        values: np.ndarray,
        rows: np.ndarray,
        starts: np.ndarray,
    ) -> None:
        """Keep the shares of words in scores, word after word.

        Those of word w stand from `starts[w]` to `starts[w + 1]`.
        """
        self.n, self.vocabulary, self.tokenize = count, vocabulary, tokenize
        self._values: Float32[np.ndarray, " shares"] = values
        self._rows, self._starts = rows.astype(np.int64), starts.astype(np.int64)

    def save(self, folder: Path) -> None:
        """Write arrays of numbers and JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        arrays = (self._values, self._rows, self._starts)
        for name, array in zip(_ARRAYS, arrays, strict=True):
            np.save(folder / f"{name}.npy", array, allow_pickle=False)
        write_json(folder / "words.json", {"passages": self.n, "words": list(self.vocabulary)})

    @classmethod
    def load(cls, folder: Path, *, tokenize: Callable[[str], list[str]] = words) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        UserError : no such index in the folder.
        """
        content = read_json(folder / "words.json")
        vocabulary = {word: number for number, word in enumerate(content["words"])}
        made = cls.__new__(cls)
        arrays = [np.load(folder / f"{name}.npy", allow_pickle=False) for name in _ARRAYS]
        made._keep(content["passages"], vocabulary, tokenize, *arrays)
        return made

    def scores(self, query: str) -> Float32[np.ndarray, " passages"]:
        """Score of every passage for one query."""
        found = np.zeros(self.n, dtype=np.float32)
        known = (self.vocabulary.get(word) for word in self.tokenize(query))
        counts = Counter(row for row in known if row is not None)
        for word, count in sorted(counts.items()):
            own = slice(self._starts[word], self._starts[word + 1])
            # A word's rows are distinct, so that no sum is lost.
            found[self._rows[own]] += count * self._values[own]
        return found

    def search(
        self,
        queries: Sequence[str],
        k: int,
        *,
        within: Sequence[Sequence[int] | Int64[np.ndarray, " rows"]] | None = None,
    ) -> tuple[Int64[np.ndarray, "queries k"], Float32[np.ndarray, "queries k"]]:
        """Rows and scores of the k best passages, best first; of equal scores the earlier row.

        All passages are scored before the k best are kept. What shares no word with the query has
        the score 0 and is ranked behind all others.

        Parameters
        ----------
        within : for each query the rows that are searched, rising; None for all. The weights of the
            words stay those of the whole corpus.

        Returns
        -------
        Rows of passages (int64) and scores (float32); -1 and 0 where there are fewer than k.

        Raises
        ------
        UserError : k below 1.
        """
        require_positive(k)
        ids = np.full((len(queries), k), -1, dtype=np.int64)
        scores = np.zeros((len(queries), k), dtype=np.float32)
        for number, query in enumerate(queries):
            every = self.scores(query)
            rows = None if within is None else np.asarray(within[number], dtype=np.int64)
            best = best_rows(every if rows is None else every[rows], k)
            found = best if rows is None else rows[best]
            ids[number, : len(found)] = found
            scores[number, : len(found)] = every[found]
        return ids, scores


def best_rows(scores: Float32[np.ndarray, " passages"], k: int) -> Int[np.ndarray, " k"]:
    """Rows of the k highest scores, highest first; of equal scores the earlier row.

    Only what is not worse than the k-th, ties included, is sorted.
    """
    if 0 < k < len(scores):
        rows = np.flatnonzero(scores >= np.partition(scores, len(scores) - k)[len(scores) - k])
    else:
        rows = np.arange(len(scores))
    return rows[np.argsort(-scores[rows], kind="stable")[:k]]


def _text(passage: Passage | str) -> str:
    return passage if isinstance(passage, str) else passage.document
