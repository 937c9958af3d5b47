"""The insides of `\\boxed{..}`, found in one pass."""

import re

from .triggers import BOXED

_BRACE = re.compile(r"\\?[{}]")
_OPEN_END = re.compile(r"[^\s$}]*")


def boxes(text: str) -> list[tuple[int, int]]:
    """Insides of the boxes that have an end, as they open.

    A box without braces holds the next word; braces behind a backslash are signs.
    """
    if "\\" not in text or "box" not in text:
        return []
    begun = [(hit.end(), hit.group(1) is not None) for hit in BOXED.finditer(text)]
    if not begun:
        return []
    ends: dict[int, int] = {}
    stack: list[int] = []
    for hit in _BRACE.finditer(text, begun[0][0] - 1):
        if hit.group() == "{":
            stack.append(hit.end())
        elif hit.group() == "}" and stack:
            ends[stack.pop()] = hit.start()
    found = []
    for start, braced in begun:
        if not braced:
            found.append(_OPEN_END.match(text, start).span())  # type: ignore[union-attr]
        elif start in ends:
            found.append((start, ends[start]))
    return found


def last_box(text: str) -> tuple[int, int] | None:
    """Inside of the last box; one that was never closed ends at a blank, `$` or `}`."""
    found = boxes(text)
    if found:
        return found[-1]
    begun = list(BOXED.finditer(text)) if "box" in text else []
    if not begun:
        return None
    hit = _OPEN_END.match(text, begun[-1].end())
    return hit.span() if hit and hit.group() else None
