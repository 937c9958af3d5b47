"""Errors in a teacher's reply: JSON, or Python literals; never anything that runs."""

import ast
import json
import re
from collections.abc import Iterator

from .rows import TeacherError

# Of a reply in which anything is looked for, in characters.
LONGEST = 20_000
# Names that teachers give to the fields.
_NAMES = {
    "inconsistency": "span",
    "inconsistencyspan": "span",
    "inconsistentspan": "span",
    "errorspan": "span",
    "errortype": "type",
    "inconsistencytype": "type",
    "explanation": "feedback",
    "suggestedfix": "fix",
}
_FENCE = re.compile(r"```[^\n`]*\n(.*?)```", re.DOTALL)


def parse_errors(reply: str) -> list[TeacherError]:
    """The errors in a teacher's reply; none where it cannot be read, or lists none.

    A list of objects is wanted; one object alone is taken as such a list. An object without a span
    or without feedback is no error.
    """
    for text in _candidates(reply[:LONGEST]):
        value = _value(text)
        items = [value] if isinstance(value, dict) else value
        if isinstance(items, list):
            errors = [error for item in items if (error := _error(item)) is not None]
            if errors:
                return errors
    return []


def _candidates(text: str) -> Iterator[str]:
    """Where in a reply the list may be: a fence, all of it, between its outermost brackets."""
    yield from (found[1] for found in _FENCE.finditer(text))
    yield text
    for opens, closes in ("[]", "{}"):
        start, end = text.find(opens), text.rfind(closes)
        if 0 <= start < end:
            yield text[start : end + 1]


def _value(text: str) -> object:
    """A value that is written as JSON, or as a Python literal; None for anything else."""
    text = text.strip()
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return None


def _error(item: object) -> TeacherError | None:
    if not isinstance(item, dict):
        return None
    plain = {}
    for name, value in item.items():
        short = re.sub(r"[\s_-]+", "", str(name)).lower()
        plain[_NAMES.get(short, short)] = value.strip() if isinstance(value, str) else ""
    if not plain.get("span") or not plain.get("feedback"):
        return None
    return TeacherError(
        span=plain["span"],
        type=plain.get("type", ""),
        feedback=plain["feedback"],
        fix=plain.get("fix", ""),
    )
