"""Sentences of a text with their places in it, and documents in chunks of whole sentences.

Sentences are those of NLTK's Punkt model. Its data are not part of NLTK; where they are not on this
machine, a plain rule cuts sentences, and that is said once.
"""

import logging
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Literal, NamedTuple

from .errors import UserError

log = logging.getLogger(__name__)

Splitter = Literal["punkt", "rule"]
# Before a name or a number their full stop ends no sentence.
_TITLES = (
    "adm brig capt col dr fr gen gov hon lt maj messrs mr mrs ms msgr mt pres prof rep rev sen sgt "
    "st supt vs e.g i.e cf approx"
)
_BEFORE_NUMBERS = "no nos p pp fig figs vol art ch sec"
_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s)")
_INITIALS = re.compile(r"(?:^|[\s(\"'“‘])((?:[A-Za-z]\.)+)$")
_WORD = re.compile(r"[\w.]+$")
_VISIBLE = re.compile(r"\S")


class EmptyDocumentError(UserError):
    """A document without a word in it, against which nothing can be held."""


class Span(NamedTuple):
    """A piece of a text: both ends in characters, the second one exclusive, and its words."""

    start: int
    end: int
    text: str


def sentence_split(text: str) -> list[Span]:
    """Cut a text into sentences; none of an empty or blank one.

    Returns
    -------
    Sentences in their order; `text[start:end]` is a sentence, without the blanks around it.
    """
    cut = _punkt()
    ends = cut(text) if cut else _by_rule(text)
    found = []
    for start, end in ends:
        words = text[start:end].strip()
        if words:
            begin = text.index(words, start)
            found.append(Span(begin, begin + len(words), words))
    return found


def splitter() -> Splitter:
    """Which one cuts sentences on this machine; results of the two are not the same run's."""
    return "punkt" if _punkt() else "rule"


def split_document(
    text: str, max_words: int, *, size: Callable[[str], int] | None = None
) -> list[str]:
    """Cut a document into chunks of whole sentences, as MiniCheck reads it.

    A sentence that is longer than a chunk is a chunk by itself, uncut. Line breaks stay.

    Parameters
    ----------
    max_words : of a chunk.
    size : of a sentence, in place of its number of words; a line break is measured too.

    Raises
    ------
    EmptyDocumentError : there is no word in it.
    """
    measure = size or (lambda part: len(part.split()))
    chunks: list[str] = []
    current: list[str] = []
    used = 0
    for part in _with_line_breaks(text):
        length = measure(part)
        if used + length > max_words:
            chunks.append(" ".join(current))
            current, used = [part], length
        else:
            current.append(part)
            used += length
    chunks.append(" ".join(current))
    cleaned = [chunk.replace(" \n ", "\n").strip() for chunk in chunks]
    if not any(cleaned):
        raise EmptyDocumentError("the document is empty", "there is nothing to hold claims against")
    return [chunk for chunk in cleaned if chunk]


def _with_line_breaks(text: str) -> list[str]:
    """Sentences line by line, a line break between two lines."""
    parts: list[str] = []
    for line in text.split("\n"):
        parts += [sentence.text for sentence in sentence_split(line)]
        parts.append("\n")
    return parts[:-1]


@cache
def _punkt() -> Callable[[str], Iterator[tuple[int, int]]] | None:
    try:
        from nltk.tokenize import PunktTokenizer

        cut: Callable[[str], Iterator[tuple[int, int]]] = PunktTokenizer("english").span_tokenize
    except (ImportError, LookupError):
        log.warning(
            "NLTK's Punkt data are not here, so a plain rule cuts sentences; "
            "`python -m nltk.downloader punkt_tab` brings them"
        )
        return None
    return cut


def _by_rule(text: str) -> Iterator[tuple[int, int]]:
    """Ends after . ! ? before anything but a small letter; not after titles and initials."""
    start = 0
    for end in _END.finditer(text):
        following = _VISIBLE.search(text, end.end())
        if following and not _goes_on(text[start : end.end()], following.group()):
            yield start, end.end()
            start = end.end()
    yield start, len(text)


def _goes_on(before: str, following: str) -> bool:
    """Whether a sentence goes on behind what looks like its end; `following` is a character."""
    if following.islower():
        return True
    if not before.endswith("."):
        return False
    word = _WORD.search(before[:-1])
    last = word.group().lower() if word else ""
    if last in _TITLES.split() or _INITIALS.search(before):
        return True
    return last in _BEFORE_NUMBERS.split() and following.isdigit()
