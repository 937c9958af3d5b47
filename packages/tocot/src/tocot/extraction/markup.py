"""What of a response is meant to be read: its visible text without markup, and where it stood."""

import re
import unicodedata
from bisect import bisect_right
from itertools import chain
from typing import NamedTuple

from ..records import Extraction
from .run_on import run_on

# Bold, code, mathematics, and words in a font of LaTeX's; what is in the braces stays. Each begins
# with a sign of its own and ends in its line: texts are passed over quickly, and by parts.
_MARKUP = re.compile(
    r"\*\*|__|``*|\$|\\[()\[\]]"
    r"|\\(?:text(?:bf|it|rm|tt)?|math(?:bf|rm|it|sf)|boldsymbol)[ \t]*\{([^{}\n]*)\}"
)
LAST = 400  # characters at least
_SIGN = re.compile(r"[^\x00-\x7f]")
_THOUGHT_ENDS = ("</think>", "</thinking>", "<|message|>")
_THOUGHT = re.compile(r"<think(?:ing)?>")
_TURN_ENDS = re.compile(r"<\|(?:end|return|im_end|eot_id)\|>\s*\Z")


def visible(response: str) -> tuple[int, int]:
    """Where the answer to the question stands: behind the thinking, before a question of its own.

    A thought that was cut off leaves nothing to read.
    """
    start, end = spoken(response)
    return start, run_on(response, start, end)


def spoken(response: str) -> tuple[int, int]:
    """Where the text for the reader stands: behind the thinking, which is never graded."""
    if "<" not in response:
        return 0, len(response)
    start = max(
        response.rfind(mark) + len(mark) if mark in response else 0 for mark in _THOUGHT_ENDS
    )
    thought = _THOUGHT.search(response, start)
    end = _TURN_ENDS.search(response, start)
    return start, min(
        thought.start() if thought else len(response), end.start() if end else len(response)
    )


class Places(NamedTuple):
    """Where the signs of a cleaned text stood: from `clean[i]` on it goes on at `original[i]`."""

    clean: list[int]
    original: list[int]

    def of(self, index: int) -> int:
        """Place in the original of one sign of the cleaned text."""
        part = bisect_right(self.clean, index) - 1
        return self.original[part] + index - self.clean[part]


def readable(response: str, start: int, end: int) -> tuple[str, Places | None]:
    """A part of a response without markup and compatibility characters.

    The second part leads back to places of the response; None where nothing was taken away.
    """
    marked = (
        "**" in response
        or "\\" in response
        or "$" in response
        or "`" in response
        or "__" in response
    )
    if not marked:
        if start == 0 and end == len(response):
            return _plain(response), None
        return _plain(response[start:end]), Places([0], [start])
    out: list[str] = []
    places = Places([], [])
    length, at = 0, start
    for hit in chain(_MARKUP.finditer(response, start, end), [None]):
        kept = [(at, hit.start() if hit else end)]
        if hit and hit.group(1) is not None:
            kept.append(hit.span(1))
        for begin, stop in kept:
            if begin < stop:
                places.clean.append(length)
                places.original.append(begin)
                out.append(response[begin:stop])
                length += stop - begin
        at = hit.end() if hit else end
    return _plain("".join(out)), places


def last_lines(response: str, start: int, end: int) -> int:
    """Where the last lines begin, in which an announcement is the answer whatever was before it.

    Nothing before them outranks it: no box and no `####`. `start` where they are not to be had.
    """
    begin = response.rfind("\n", start, max(start, end - LAST)) + 1
    if begin <= start:
        return start
    outranked = max(response.find("box", start, begin), response.find("####", start, begin)) >= 0
    return start if outranked else begin


def _plain(text: str) -> str:
    """The compatible forms of signs; as many signs as before."""
    return text if text.isascii() else _SIGN.sub(_plain_sign, text)


def _plain_sign(hit: re.Match[str]) -> str:
    """The compatible form of a sign where that is one sign too, so that places stay."""
    sign = hit.group()
    if sign == "−":
        return "-"
    plain = unicodedata.normalize("NFKC", sign)
    return plain if len(plain) == 1 else sign


def placed(found: Extraction, places: Places | None) -> Extraction:
    """The same with its span in the original text."""
    if places is None or found.span is None:
        return found
    start, end = found.span
    first = places.of(start)
    return found._replace(span=(first, places.of(end - 1) + 1 if end > start else first))
