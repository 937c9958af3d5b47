"""What a listwise teacher replies, read: its JSON found, every entry checked, none guessed."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

GRADES = (0, 1, 2)
# Replies are short; what is longer is a model that runs on.
LONGEST = 64_000
# Objects that are tried: a text of nothing but braces must not cost more than its length.
_TRIES = 64
_NUMBER = re.compile(r"\W*(?:window|passage|document)?\W*(\d{1,6})\W*", re.IGNORECASE)


class Grades(NamedTuple):
    """Grades by window, numbered from 1; what the reply left out is not there.

    `ignored` counts entries that are none: a grade beyond 0 to 2, a window that was not shown.
    """

    of_window: dict[int, int]
    ignored: int


def parse_grades(reply: str, n_windows: int) -> Grades | None:
    """Read the grades in a teacher's reply.

    Parameters
    ----------
    reply : with one JSON object, alone, in a code fence or in prose; of several the last one that
        speaks of a window counts.
    n_windows : how many were shown.

    Returns
    -------
    None where there is no object with a window's number.
    """
    found = None
    for read in _objects(reply[:LONGEST]):
        grades = _grades(read, n_windows)
        if grades is not None:
            found = grades
    return found


def _objects(text: str) -> Iterator[Mapping[str, Any]]:
    """JSON objects in a text, outermost only, in their order."""
    decoder = json.JSONDecoder(strict=False)
    place, tries = text.find("{"), 0
    while place >= 0 and tries < _TRIES:
        tries += 1
        try:
            value, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            end = place + 1
        else:
            yield value
        place = text.find("{", end)


def _grades(read: Mapping[str, Any], n_windows: int) -> Grades | None:
    if len(read) == 1:
        ((name, inner),) = read.items()
        if isinstance(inner, Mapping) and not _NUMBER.fullmatch(name):
            return _grades(inner, n_windows)  # {"grades": {...}}
    of_window: dict[int, int] = {}
    numbers = ignored = 0
    for name, value in read.items():
        number = _NUMBER.fullmatch(name)
        if not number:
            ignored += 1
            continue
        numbers += 1
        grade = _grade(value)
        if grade is None or not 1 <= int(number[1]) <= n_windows:
            ignored += 1
        else:
            of_window[int(number[1])] = grade
    return Grades(of_window, ignored) if numbers else None


def _grade(value: object) -> int | None:
    if isinstance(value, Mapping):
        value = value.get("grade")
    if isinstance(value, str) and re.fullmatch(r"\s*[0-2](\.0+)?\s*", value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value not in GRADES:
        return None
    return int(value)
