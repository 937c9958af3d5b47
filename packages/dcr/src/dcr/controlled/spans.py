"""Spans of a text in which one thing can be put for another: numbers and capitalised names."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from ..detect.words import SENTENCE_END, STOPWORDS

Kind = Literal["number", "name"]

_NUMBER = re.compile(r"(?<![\w.,-])\d+(?:[.,]\d+)*(?![\w-])")
_CAPITALISED = r"[A-Z][\w’'.-]*[\w]|[A-Z]"
_NAME = re.compile(rf"\b(?:{_CAPITALISED})(?: (?:(?:of|the|de) )*(?:{_CAPITALISED}))*")


class TextSpan(NamedTuple):
    """A number or a name in a text; both ends in characters, the second one exclusive."""

    start: int
    end: int
    text: str
    kind: Kind


def spans(sentence: str) -> list[TextSpan]:
    """Numbers and capitalised phrases of a sentence, in their order.

    A phrase may hold a small "of", "the" or "de"; a pronoun or the like does not begin it. What
    begins the sentence is capitalised anyway and is none.
    """
    found = [TextSpan(*hit.span(), hit.group(), "number") for hit in _NUMBER.finditer(sentence)]
    found += _names(sentence)
    return sorted(found)


def _names(sentence: str) -> Iterator[TextSpan]:
    first = re.search(r"\w", sentence)
    for hit in _NAME.finditer(sentence):
        begins = first is not None and hit.start() == first.start()
        start, words = hit.start(), hit.group().split(" ")
        while words and words[0].lower() in STOPWORDS:
            start += len(words.pop(0)) + 1
        if words and not (begins and start == hit.start()):
            yield TextSpan(start, hit.end(), " ".join(words), "name")


@lru_cache(maxsize=256)
def strings_of(document: str, kind: Kind) -> tuple[str, ...]:
    """All different strings of one kind in a document, in the order of their first appearance."""
    sentences = SENTENCE_END.split(document)
    seen = (span.text for sentence in sentences for span in spans(sentence) if span.kind == kind)
    return tuple(dict.fromkeys(seen))


def replacements(
    span: TextSpan, sentence: str, document: str, *, own: Sequence[TextSpan] | None = None
) -> list[str]:
    """Strings of the document that can stand in a span's place: of its kind, not in the sentence.

    None of them holds a span of the sentence or is held by one: it says something else.

    Parameters
    ----------
    own : spans of the sentence; None finds them.
    """
    held = spans(sentence) if own is None else own
    return [
        text
        for text in strings_of(document, span.kind)
        if text not in sentence
        and not any(text in other.text or other.text in text for other in held)
    ]
