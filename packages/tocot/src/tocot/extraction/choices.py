"""Which of an item's own options a text commits to."""

import re

from ..records import Choices, Extraction
from .boxes import boxes
from .endings import NONE, read_ending
from .options import as_written, is_label, label_patterns, ruled_out, text_hits
from .triggers import lower_case, strong_triggers, window_end, withdrawn

# After a bare "answer": a hint on the form, "(Yes or No)", is no answer.
_HINT = re.compile(r"\s*\((?=[^()\n]*\bor\b)[^()\n]{0,40}\)", re.IGNORECASE)


def read_announced(text: str, choices: Choices, *, labels: bool) -> Extraction | None:
    """The option in the last box that has one, else behind the last strong trigger.

    An answer that is taken back is none. None: there is nothing of the kind.
    """
    lower = lower_case(text)
    read = _read_labels if labels else _read_texts
    for start, _ in reversed(boxes(text)):
        found = read(text, lower, start, choices, "boxed")
        if found is not None:
            return found
    starts = strong_triggers(text, lower)
    # A last "the answer is" that commits to neither yes nor no takes back what stood before it.
    for start in starts if labels else starts[:1]:
        found = read(text, lower, start, choices, "trigger")
        if found is not None:
            taken_back = found.span is not None and withdrawn(text, found.span[1])
            return NONE if taken_back else found
    return None


def read_choice(text: str, choices: Choices, *, labels: bool) -> Extraction:
    """The label that a text commits to (by its text where no label stands), or the choice text.

    Announcements come first, then a bare "answer", then what the whole response, its first or its
    last line says.
    """
    found = read_announced(text, choices, labels=labels)
    if found is not None:
        return found
    lower = lower_case(text)
    read = _read_labels if labels else _read_texts
    at = lower.rfind("answer")
    while at >= 0:
        hint = _HINT.match(text, at + 6)
        start = _next_word(text, hint.end() if hint else at + 6)
        found = read(text, lower, start, choices, "answer")
        if found is not None:
            return found
        at = lower.rfind("answer", 0, at) if labels else -1
    return read_ending(text, lower, choices, labels=labels)


def _next_word(text: str, start: int) -> int:
    """Where a window begins: in the next line that has words if this one ends without any."""
    end = text.find("\n", start)
    while end >= 0 and not any(sign.isalnum() for sign in text[start:end]):
        start, end = end + 1, text.find("\n", end + 1)
    return start


def _read_labels(
    text: str, lower: str, start: int, choices: Choices, rule: str
) -> Extraction | None:
    """The first label of a window, or the one choice text in it. None: nothing there.

    Two labels that are joined are a commitment to neither: unparseable.
    """
    end = window_end(text, start)
    label, more = label_patterns(choices.label)
    at = start
    while (hit := label.search(text, at, end)) is not None:
        at = hit.end()
        if ruled_out(text, start, hit.start()):
            continue
        name = as_written(hit.group(2), choices.label)
        other = more.match(text, hit.end(), end)
        if other is not None and other.group(1) != name:
            return NONE
        if is_label(hit, text, end):
            return Extraction(name, hit.span(2), rule)
    hits = text_hits(lower, start, end, choices.text)
    if len(hits) != 1:
        return None
    begin, stop, number = hits[0]
    return Extraction(choices.label[number], (begin, stop), f"{rule}, text")


def _read_texts(
    text: str, lower: str, start: int, choices: Choices, rule: str
) -> Extraction | None:
    """The first choice text after a trigger.

    Yes and no may come after some words on why it is hard to say: after a strong trigger the
    window is open.
    """
    end = len(text) if rule == "trigger" else window_end(text, start)
    hits = text_hits(lower, start, end, choices.text)
    if not hits:
        return None
    begin, stop, number = min(hits)
    return Extraction(choices.text[number], (begin, stop), rule)
