"""The answer in a response, found without knowing the right one.

`extract` takes an item that has no gold answer, so that no rule can look for it. Which rule found
the answer is recorded, and its place in the original text.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..records import Extraction, PublicItem
from .choices import NONE, read_choice
from .markup import cleaned, placed
from .triggers import BOXED, lower_case, strong_triggers

if TYPE_CHECKING:
    from ..inputs.task_registry import TaskSpec

JUDGE_MARKER = "### Reply"
_NUMBER = re.compile(r"-?\$?\s?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+\b)?")
_LINE = re.compile(r"[^\n]*")


def extract(
    response: str | None, item: PublicItem, task_spec: "TaskSpec | None" = None
) -> Extraction:
    """Find the answer of a response, without knowing the right one.

    Parameters
    ----------
    response : what the model wrote, prefill included; None or blank has no answer.
    item : without a gold answer; its `answer_kind` says what to look for.
    task_spec : the task; its `marker` ends the plan of free-form replies.

    Raises
    ------
    TypeError : the item has a gold answer.
    """
    if not isinstance(item, PublicItem):
        if hasattr(item, "gold") or (isinstance(item, dict) and "gold" in item):
            raise TypeError("extract must not see the gold answer: pass item.public()")
        raise TypeError(f"extract takes a PublicItem, not {type(item).__name__}")
    if not response or not response.strip():
        return NONE
    if item.answer_kind == "judge":
        return _reply(response, task_spec.marker if task_spec else JUDGE_MARKER)
    return _BY_KIND[item.answer_kind](response, item)


def _letter(response: str, item: PublicItem) -> Extraction:
    if item.choices is None:
        return NONE
    clean, places = cleaned(response)
    found = read_choice(clean, item.choices, labels=True)
    return placed(found, places)


def _text_choice(response: str, item: PublicItem) -> Extraction:
    if item.choices is None:
        return NONE
    clean, places = cleaned(response)
    return placed(read_choice(clean, item.choices, labels=False), places)


def _number(response: str, item: PublicItem) -> Extraction:
    if "\\" in response and (inner := _last_box(response)) is not None:
        start, end = inner
        hit = _NUMBER.search(response, start, end)
        if hit is not None and not re.search(r"\\[dt]?frac", response[start:end]):
            return Extraction(_plain_number(hit.group()), hit.span(), "boxed")
        fraction = normalized_fraction(response[start:end])
        if fraction is not None:
            return Extraction(fraction, (start, end), "boxed")
    lower = lower_case(response)
    triggers = strong_triggers(response, lower)
    at = triggers[0] if triggers else lower.rfind("answer")
    if at >= 0 and (hit := _NUMBER.search(response, at)) is not None:
        return Extraction(_plain_number(hit.group()), hit.span(), "trigger")
    if triggers:  # "the answer is eleven": what it says is no figure, whatever stood before
        return NONE
    every = list(_NUMBER.finditer(response))
    if not every:
        return NONE
    last = every[-1]
    return Extraction(_plain_number(last.group()), last.span(), "fallback")


def normalized_fraction(text: str) -> str | None:
    """`\\frac{1}{2}` or `1/2` of whole numbers as a decimal text; None for anything else."""
    hit = re.fullmatch(r"\s*(-?)\s*\\[dt]?frac\s*\{?(-?\d+)\}?\s*\{?(-?\d+)\}?\s*", text)
    if hit is None or int(hit.group(3)) == 0:
        return None
    value = int(hit.group(2)) / int(hit.group(3))
    return repr(-value if hit.group(1) else value)


def _plain_number(text: str) -> str:
    return text.replace(",", "").replace("$", "").replace(" ", "")


def _math(response: str, item: PublicItem) -> Extraction:
    inner = _last_box(response)
    if inner is None:
        return NONE
    start, end = inner
    text = response[start:end].strip()
    return Extraction(text, (start, end), "boxed") if text else NONE


def _last_box(response: str) -> tuple[int, int] | None:
    """Inside of the last balanced `\\boxed{}`; an open one ends at a blank, `$` or `}`."""
    starts = [hit.end() for hit in BOXED.finditer(response)]
    for start in reversed(starts):
        depth = 1
        for index in range(start, len(response)):
            depth += {"{": 1, "}": -1}.get(response[index], 0)
            if depth == 0:
                return start, index
    if not starts:
        return None
    hit = re.compile(r"[^\s$}]*").match(response, starts[-1])
    return (hit.start(), hit.end()) if hit and hit.group() else None


def _text(response: str, item: PublicItem) -> Extraction:
    triggers = strong_triggers(response, lower_case(response))
    if triggers:
        hit = _LINE.match(response, triggers[0])
        rule = "trigger"
    else:
        stripped = response.strip()
        line = stripped.rpartition("\n")[2]
        at = response.rfind(line)
        hit = _LINE.match(response, at)
        rule = "whole" if line == stripped else "last line"
    if hit is None:
        return NONE
    answer = unquoted(hit.group())
    return Extraction(answer, hit.span(), rule) if answer else NONE


def unquoted(text: str) -> str:
    """Without blanks, quotes and one full stop at the end."""
    quotes = "\"'“”‘’`"
    text = text.strip()
    if text.endswith(".") and not text.endswith(".."):
        text = text[:-1].rstrip()
    text = text.strip(quotes).strip()
    if text.endswith(".") and not text.endswith(".."):
        text = text[:-1].rstrip()
    return text


def _short(response: str, item: PublicItem) -> Extraction:
    at = lower_case(response).find("answer:")
    if at < 0:
        return NONE
    hit = _LINE.match(response, at + len("answer:"))
    answer = hit.group().strip() if hit else ""
    return Extraction(answer, hit.span(), "first answer") if hit and answer else NONE


def _reply(response: str, marker: str) -> Extraction:
    """The reply after the marker (bracketed, upper-case, bold or with a colon); else all of it."""
    words = re.escape(marker.strip("#:*[] "))
    hits = list(re.finditer(rf"[#*\[\s]*\b{words}\b[\]*:\s]*", response, re.IGNORECASE))
    start = hits[-1].end() if hits else 0
    text = response[start:].strip()
    if not text:
        return NONE
    return Extraction(text, (start, len(response)), "marker" if hits else "whole")


_BY_KIND: dict[str, Callable[[str, PublicItem], Extraction]] = {
    "letter": _letter,
    "text_choice": _text_choice,
    "bool3": _text_choice,
    "number": _number,
    "math": _math,
    "text": _text,
    "short": _short,
}
