"""A response without markup, and where each of its signs was."""

import re
import unicodedata
from collections.abc import Sequence

from ..records import Extraction

_MARKUP = re.compile(r"\*\*|__|`|\$|\\text\s*\{([^{}]*)\}")
_RUNS = re.compile(r"[\x00-\x7f]+|[^\x00-\x7f]+")


def cleaned(response: str) -> tuple[str, Sequence[int] | None]:
    """Without markup and compatibility characters; the second part maps places back, if needed."""
    if response.isascii() and not _MARKUP.search(response):
        return response, None
    out: list[str] = []
    places: list[int] = []
    at = 0
    for hit in _MARKUP.finditer(response):
        _take(response, at, hit.start(), out, places)
        if hit.group(1) is not None:
            _take(response, hit.start(1), hit.end(1), out, places)
        at = hit.end()
    _take(response, at, len(response), out, places)
    places.append(len(response))
    return "".join(out), places


def _take(text: str, start: int, end: int, out: list[str], places: list[int]) -> None:
    """One part of the text, normalised; long runs of plain signs are copied as they are."""
    for run in _RUNS.finditer(text, start, end):
        part = run.group()
        if part.isascii():
            out.append(part)
            places.extend(range(run.start(), run.end()))
            continue
        for index, sign in enumerate(part, run.start()):
            found = unicodedata.normalize("NFKC", sign)
            out.append(found)
            places.extend([index] * len(found))


def placed(found: Extraction, places: Sequence[int] | None) -> Extraction:
    """The same with its span in the original text."""
    if places is None or found.span is None:
        return found
    start, end = found.span
    return found._replace(span=(places[start], places[end - 1] + 1))
