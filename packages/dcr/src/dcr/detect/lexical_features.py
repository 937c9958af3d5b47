"""Thirteen numbers about a claim and a document, from their words alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from tenpapers.sentences import EmptyDocumentError

from .words import SENTENCE_END, STOPWORDS, is_number, words

if TYPE_CHECKING:
    from jaxtyping import Float64

FEATURES = (
    "content word recall",
    "recall of five-letter beginnings",
    "number recall",
    "recall of capitalised words",
    "bigram recall",
    "best sentence's content word recall",
    "content words, of 40",
    "has a number",
    "document words, of 600",
    "least overlap of surroundings",
    "mean overlap of surroundings",
    "numbers absent, of 3",
    "capitalised words absent, of 3",
)
# The place of the recall of beginnings.
RECALL = 1
# Letters of a word's beginning, so that "studies" and "study" share theirs.
BEGINNING = 5
CLAIM_WORDS, DOCUMENT_WORDS, ABSENT = 40, 600, 3
# Words on each side of a number or a name: of the claim, and of the document.
NEAR, FAR = 5, 12


class DocumentWords:
    """A document's words, looked up for claim after claim.

    Raises
    ------
    EmptyDocumentError : it is blank; one of punctuation alone supports nothing.
    """

    def __init__(self, document: str) -> None:
        self._words = [word.lower() for word in words(document)]
        if not document.strip():
            raise EmptyDocumentError("the document is empty")
        self._known = set(self._words)
        self._beginnings = {word[:BEGINNING] for word in self._known}
        self._bigrams = set(pairwise(self._words))
        self._sentences = [
            {word.lower() for word in words(sentence)} for sentence in SENTENCE_END.split(document)
        ]
        self._places: dict[str, list[int]] = defaultdict(list)
        for place, word in enumerate(self._words):
            self._places[word].append(place)

    def features(self, claim: str) -> Float64[np.ndarray, " features"]:
        """The numbers of `FEATURES`, each from 0 to 1 or a count."""
        written = words(claim)
        small = [word.lower() for word in written]
        content = {word for word in small if word not in STOPWORDS}
        numbers = {word for word in small if is_number(word)}
        names = {
            word.lower()
            for word in written[1:]
            if word[0].isupper() and word.lower() not in STOPWORDS
        }
        beginnings = {word[:BEGINNING] for word in content}
        bigrams = set(pairwise(small))
        overlaps = list(self._overlaps(small, numbers | names)) or [1.0]
        sentences = [len(content & sentence) for sentence in self._sentences]
        return np.array(
            [
                _share(content, self._known),
                _share(beginnings, self._beginnings),
                _share(numbers, self._known),
                _share(names, self._known),
                _share(bigrams, self._bigrams),
                max(sentences, default=0) / len(content) if content else 1.0,
                min(len(content), CLAIM_WORDS) / CLAIM_WORDS,
                float(bool(numbers)),
                min(len(self._words), DOCUMENT_WORDS) / DOCUMENT_WORDS,
                min(overlaps),
                sum(overlaps) / len(overlaps),
                min(len(numbers - self._known), ABSENT),
                min(len(names - self._known), ABSENT),
            ]
        )

    def _overlaps(self, small: Sequence[str], wanted: set[str]) -> Iterator[float]:
        """How much of what surrounds a number or name of the claim surrounds it in the document."""
        for place, word in enumerate(small):
            if word in wanted:
                around = _content(small, place, NEAR)
                if word not in self._places:
                    yield 0.0
                elif not around:
                    yield 1.0
                else:
                    shared = (
                        len(around & _content(self._words, there, FAR))
                        for there in self._places[word]
                    )
                    yield max(shared) / len(around)


def _content(text: Sequence[str], place: int, reach: int) -> set[str]:
    """Content words around a place, without the word there."""
    around = [*text[max(0, place - reach) : place], *text[place + 1 : place + 1 + reach]]
    return {word for word in around if word not in STOPWORDS} - {text[place]}


def _share(
    wanted: set[str] | set[tuple[str, str]], known: set[str] | set[tuple[str, str]]
) -> float:
    """Share of what is wanted that is known; 1 where nothing is."""
    return len(wanted & known) / len(wanted) if wanted else 1.0  # type: ignore[operator]  # one kind
