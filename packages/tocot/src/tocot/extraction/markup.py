"""What of a response is meant to be read: its visible text without markup, and where it stood."""

import re
import unicodedata
from typing import NamedTuple

from ..records import Extraction
from .run_on import run_on

# Bold, code, mathematics, and words in a font of LaTeX's; what is in the braces stays. Each begins
# with a sign of its own and ends in its line: texts are passed over quickly, and by parts.
_MARKUP = re.compile(
    r"(\*\*|__|``*|\$|\\[()\[\]]"
    r"|\\(?:text(?:bf|it|rm|tt)?|math(?:bf|rm|it|sf)|boldsymbol)[ \t]*\{([^{}\n]*)\})"
)
LAST = 120  # characters at least
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
    """Where the signs of a cleaned text stood.

    Parameters
    ----------
    parts : text, markup, what stays of that markup (or None), text, markup, ... in order.
    clean, original : where the cleaned text ends, in itself and in the original.
    """

    parts: list[str | None]
    clean: int
    original: int

    def of(self, index: int) -> int:
        """Place in the original of one sign of the cleaned text: mostly one near its end."""
        clean, original = self.clean, self.original
        at = len(self.parts) - 1
        while True:
            text = self.parts[at] or ""
            clean, original = clean - len(text), original - len(text)
            if index >= clean or at == 0:
                return original + index - clean
            inside, markup = self.parts[at - 1] or "", self.parts[at - 2] or ""
            clean, original = clean - len(inside), original - len(markup)
            if inside and index >= clean:  # in the braces, of which one stands behind it
                return original + len(markup) - 1 - len(inside) + index - clean
            at -= 3


def readable(response: str, start: int, end: int) -> tuple[str, Places | None]:
    """A part of a response without markup and compatibility characters.

    The second part leads back to places of the response; None where nothing was taken away.
    """
    text = response[start:end]
    marked = "**" in text or "\\" in text or "$" in text or "`" in text or "__" in text
    if not marked:
        whole = len(text) == len(response)
        return _plain(text), None if whole else Places([text], len(text), end)
    parts = _MARKUP.split(text)
    kept = parts.copy()
    del kept[1::3]
    clean = "".join(filter(None, kept))
    return _plain(clean), Places(parts, len(clean), end)


def last_lines(response: str, start: int, end: int) -> int:
    """Where the last lines begin, in which an announcement is the answer whatever was before it.

    Nothing before them outranks it: no box and no `####`. `start` where they are not to be had.
    """
    begin = response.rfind("\n", start, max(start, end - LAST)) + 1
    if begin <= start:
        return start
    boxed = "\\" in response and response.find("box", start, begin) >= 0
    hashed = "##" in response and response.find("####", start, begin) >= 0
    return start if boxed or hashed else begin


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
