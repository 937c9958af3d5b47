"""Documents that would leak a test set into the training set."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from tenpapers.embedding import EmbeddingShards, Encoder

from ..records import Document
from .retrieve import embed

if TYPE_CHECKING:
    from jaxtyping import Float32
    from tenpapers.embedding.search import Shard

_BLOCK = 20_000  # vectors that are compared at once


SHORTEST = 5  # words of a test text that counts wherever a document has it


def near_duplicates(
    documents: Iterable[Document],
    test: Sequence[str],
    encoder: str | EmbeddingShards | None = None,
    *,
    cosine: float = 0.95,
    n: int = 13,
    batch: int = 2000,
) -> dict[str, str]:
    """Documents that would leak a test text: they share its words, or are nearly the same.

    Words are compared in lower case and without punctuation. A document leaks with 13 words in a
    row in common, with all of a shorter test text in it (of five words or more), by being a test
    text, or by a cosine of 0.95.

    Parameters
    ----------
    encoder : by name, or the embeddings of these documents, which are read and not made again.

    Returns
    -------
    Reason ("13-gram", "verbatim" or "cosine") by document id.
    """
    shared = _Words(test, n)
    leaks: dict[str, str] = {}
    left: list[Document] = []
    for document in documents:
        if reason := shared.reason(document.text):
            leaks[document.id] = reason
        elif isinstance(encoder, str):
            left.append(document)
    if isinstance(encoder, str):
        loaded = Encoder.load(encoder)
        vectors = (
            (
                [document.id for document in left[start : start + batch]],
                embed([document.text for document in left[start : start + batch]], loaded),
            )
            for start in range(0, len(left), batch)
        )
        close = _close(vectors, embed(test, loaded), cosine)
    elif encoder is not None:
        loaded = Encoder.load(encoder.meta["encoder"])
        targets = embed(test, loaded, encoder.meta["max_length"])
        close = _close(encoder, targets, cosine)
    else:
        close = set()
    return dict.fromkeys(sorted(close), "cosine") | leaks


def _close(
    shards: Iterable[Shard], targets: Float32[np.ndarray, "m dim"], cosine: float
) -> set[str]:
    """Ids of the vectors that have such a cosine with one of the targets."""
    found: set[str] = set()
    for ids, vectors in shards:
        for start in range(0, len(ids), _BLOCK):
            block = np.asarray(vectors[start : start + _BLOCK], dtype=np.float32)
            near = (block @ targets.T).max(axis=1) >= cosine
            found.update(ids[start + row] for row in np.flatnonzero(near).tolist())
    return found


class _Words:
    """Runs of words of the test texts, to be looked for in documents."""

    def __init__(self, test: Sequence[str], n: int) -> None:
        self.n = n
        texts = [_words(text) for text in test]
        self.whole = {tuple(words) for words in texts if words}
        self.grams: dict[int, set[tuple[str, ...]]] = defaultdict(set)
        for words in texts:
            length = min(n, len(words))
            if length >= SHORTEST:
                self.grams[length] |= _grams(words, length)

    def reason(self, text: str) -> str:
        """Why a document leaks, "" if it does not."""
        words = _words(text)
        for length, grams in self.grams.items():
            if not grams.isdisjoint(_grams(words, length)):
                return f"{self.n}-gram" if length == self.n else "verbatim"
        return "verbatim" if tuple(words) in self.whole else ""


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _grams(words: Sequence[str], n: int) -> set[tuple[str, ...]]:
    return {tuple(words[start : start + n]) for start in range(len(words) - n + 1)}
