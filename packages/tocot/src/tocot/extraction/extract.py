"""The answer in a response, found without knowing the right one.

`extract` takes an item that has no gold answer, so that no rule can look for it. Which rule found
the answer is recorded, and its place in the original text.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..records import Extraction, PublicItem
from .boxes import last_box
from .choices import read_announced, read_choice
from .endings import NONE
from .markup import Places, last_lines, placed, readable, spoken, visible
from .numbers import announced_number, find_number
from .triggers import lower_case, strong_triggers

if TYPE_CHECKING:
    from ..inputs.task_registry import TaskSpec

JUDGE_MARKER = "### Reply"
_LINE = re.compile(r"[^\n]*")
_LINE_WITH_WORDS = re.compile(r"\s*([^\n]*)")


# Rules that take the last words of a response for its answer, and kinds that a cut shortens.
_UNANNOUNCED = ("fallback", "last line", "last line, text")
_SHORTENED = ("number", "math", "text", "short")
CUT_OFF = Extraction(None, None, "truncated")


def extract(
    response: str | None,
    item: PublicItem,
    task_spec: "TaskSpec | None" = None,
    *,
    truncated: bool = False,
) -> Extraction:
    """Find the answer of a response, without knowing the right one.

    Parameters
    ----------
    response : what the model wrote, prefill included; None or blank has no answer.
    item : without a gold answer; its `answer_kind` says what to look for.
    task_spec : the task; its `marker` ends the plan of free-form replies.
    truncated : it was cut off at its budget: the last number of half a chain of thought is no
        answer, nor is what the cut itself went through.

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
    found = _BY_KIND[item.answer_kind](response, item)
    return CUT_OFF if truncated and _is_cut(found, response, item) else found


def _is_cut(found: Extraction, response: str, item: PublicItem) -> bool:
    if found.rule in _UNANNOUNCED:
        return True
    at_the_end = found.span is not None and found.span[1] >= len(response.rstrip())
    return at_the_end and item.answer_kind in _SHORTENED


def _letter(response: str, item: PublicItem) -> Extraction:
    return _chosen(response, item, labels=True)


def _text_choice(response: str, item: PublicItem) -> Extraction:
    return _chosen(response, item, labels=False)


def _chosen(response: str, item: PublicItem, *, labels: bool) -> Extraction:
    choices = item.choices
    if choices is None:
        return NONE
    return _from_the_end(
        response,
        lambda text: read_announced(text, choices, labels=labels),
        lambda text: read_choice(text, choices, labels=labels),
    )


def _number(response: str, item: PublicItem) -> Extraction:
    return _from_the_end(response, announced_number, find_number)


def _from_the_end(
    response: str,
    announced: Callable[[str], Extraction | None],
    read: Callable[[str], Extraction],
) -> Extraction:
    """What the last lines announce, else what all lines say: most of a long text is never read."""
    start, end = visible(response)
    begin = last_lines(response, start, end)
    if begin > start:
        clean, places = readable(response, begin, end)
        found = announced(clean)
        if found is not None:
            return placed(found, places)
    clean, places = readable(response, start, end)
    return placed(read(clean), places)


def _math(response: str, item: PublicItem) -> Extraction:
    """The inside of the last box; without one, what the last announcement says in its line."""
    begin, stop = visible(response)
    inner = last_box(response[begin:stop])
    if inner is not None:
        start, end = (begin + place for place in inner)
        text = response[start:end].strip()
        return Extraction(text, (start, end), "boxed") if text else NONE
    return _announced_line(*readable(response, begin, stop))


def _text(response: str, item: PublicItem) -> Extraction:
    """A box, the line after the last announcement, or the last line."""
    clean, places = readable(response, *visible(response))
    inner = last_box(clean)
    if inner is not None:
        answer = unquoted(clean[slice(*inner)])
        return placed(Extraction(answer, inner, "boxed"), places) if answer else NONE
    found = _announced_line(clean, places)
    if found.answer is not None:
        return found
    stripped = clean.strip()
    line = stripped.rpartition("\n")[2]
    at = clean.rfind(line)
    answer = unquoted(line)
    rule = "whole" if line == stripped else "last line"
    return placed(Extraction(answer, (at, at + len(line)), rule), places) if answer else NONE


def _announced_line(clean: str, places: Places | None) -> Extraction:
    """What stands in the line of the last strong trigger, or in the next one with any words."""
    triggers = strong_triggers(clean, lower_case(clean))
    if not triggers:
        return NONE
    hit = _LINE_WITH_WORDS.match(clean, triggers[0])
    answer = unquoted(hit.group(1)) if hit else ""
    return placed(Extraction(answer, hit.span(1), "trigger"), places) if hit and answer else NONE


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
    clean, places = readable(response, *visible(response))
    at = lower_case(clean).find("answer:")
    if at < 0:
        return NONE
    hit = _LINE.match(clean, at + len("answer:"))
    answer = hit.group().strip() if hit else ""
    if not hit or not answer:
        return NONE
    return placed(Extraction(answer, hit.span(), "first answer"), places)


def _reply(response: str, marker: str) -> Extraction:
    """The reply after the marker (bracketed, upper-case, bold or with a colon); else all of it."""
    words = re.escape(marker.strip("#:*[] "))
    start, end = spoken(response)
    pattern = re.compile(rf"[#*\[\s]*\b{words}\b[\]*:\s]*", re.IGNORECASE)
    hits = list(pattern.finditer(response, start, end))
    start = hits[-1].end() if hits else start
    text = response[start:end].strip()
    if not text:
        return NONE
    return Extraction(text, (start, end), "marker" if hits else "whole")


_BY_KIND: dict[str, Callable[[str, PublicItem], Extraction]] = {
    "letter": _letter,
    "text_choice": _text_choice,
    "bool3": _text_choice,
    "number": _number,
    "math": _math,
    "text": _text,
    "short": _short,
}
