"""Which of an item's own options a text commits to."""

import re
from functools import lru_cache

from ..records import Choices, Extraction
from .triggers import BOXED, lower_case, strong_triggers, window_end

NONE = Extraction(None, None, "unparseable")
# After a bare "answer": a hint on the form, "(Yes or No)", is no answer.
_HINT = re.compile(r"\s*\((?=[^()\n]*\bor\b)[^()\n]{0,40}\)", re.IGNORECASE)
_PUNCTUATION = " \t\r\n.,;:!?*\"'“”‘’"
_OPTION_LINE = re.compile(r"\s*[(\[]?[A-Z][)\].:]")


def read_choice(text: str, choices: Choices, *, labels: bool) -> Extraction:
    """The label that a text commits to (by its text where no label stands), or the choice text.

    Boxes come first, then strong triggers, then a bare "answer", then the whole response or its
    last line.
    """
    lower = lower_case(text)
    read = _read_labels if labels else _read_texts
    if "\\" in text:
        for start in reversed([hit.end() for hit in BOXED.finditer(text)]):
            found = read(text, lower, start, choices, "boxed")
            if found is not None:
                return found
    starts = strong_triggers(text, lower)
    # A last "the answer is" that commits to neither yes nor no takes back what stood before it.
    for start in starts if labels else starts[:1]:
        found = read(text, lower, start, choices, "trigger")
        if found is not None:
            return found
    at = lower.rfind("answer")
    while at >= 0:
        hint = _HINT.match(text, at + 6)
        found = read(text, lower, hint.end() if hint else at + 6, choices, "answer")
        if found is not None:
            return found
        at = lower.rfind("answer", 0, at) if labels else -1
    return _whole_or_last(text, lower, choices, labels)


@lru_cache(maxsize=1024)
def _label_patterns(labels: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """One label, brackets around it allowed; and a further label joined to it."""
    names = "|".join(re.escape(label) for label in sorted(labels, key=len, reverse=True))
    label = re.compile(
        rf"(?<![A-Za-z0-9])([(\[{{]\s*)?({names})(\s*[)\]}}])?(?![A-Za-z0-9'’])", re.IGNORECASE
    )
    # Labels as they are written: "B, a shop" names one label.
    more = re.compile(
        rf"\s*(?:,\s*(?:and\b|or\b)?|/|and\b|or\b)\s*[(\[]?({names})[)\]]?(?![A-Za-z0-9'’])"
    )
    return label, more


def _read_labels(
    text: str, lower: str, start: int, choices: Choices, rule: str
) -> Extraction | None:
    """The first label of a window, or the one choice text in it. None: nothing there.

    Two labels that are joined are a commitment to neither: unparseable.
    """
    end = window_end(text, start)
    label, more = _label_patterns(choices.label)
    at = start
    while (hit := label.search(text, at, end)) is not None:
        name = _as_written(hit.group(2), choices.label)
        other = more.match(text, hit.end(), end)
        if other is not None and other.group(1) != name:
            return NONE
        if _is_label(hit, text, end):
            return Extraction(name, hit.span(2), rule)
        at = hit.end()
    hits = _text_hits(lower, start, end, choices.text)
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
    hits = _text_hits(lower, start, end, choices.text)
    if not hits:
        return None
    begin, stop, number = min(hits)
    return Extraction(choices.text[number], (begin, stop), rule)


def _text_hits(
    lower: str, start: int, end: int, texts: tuple[str, ...]
) -> list[tuple[int, int, int]]:
    """First place of every choice text that stands there as words: start, end, number.

    Longer texts come first, and what they cover is not found again ("valid" in "invalid" is no
    word, "blue" in "dark blue" is covered).
    """
    hits: list[tuple[int, int, int]] = []
    for wanted, number in _folded(texts):
        at = lower.find(wanted, start, end)
        while at >= 0:
            stop = at + len(wanted)
            free = all(stop <= a or at >= b for a, b, _ in hits)
            if free and _stands_alone(lower, at, stop):
                hits.append((at, stop, number))
                break
            at = lower.find(wanted, at + 1, end)
    return hits


@lru_cache(maxsize=65_536)
def _folded(texts: tuple[str, ...]) -> list[tuple[str, int]]:
    """Choice texts in lower case without signs around them, longest first, with their numbers."""
    kept: dict[str, int] = {}
    for number, text in enumerate(texts):
        kept.setdefault(lower_case(text).strip(_PUNCTUATION), number)
    kept.pop("", None)
    return sorted(kept.items(), key=lambda pair: (-len(pair[0]), pair[1]))


def _stands_alone(text: str, start: int, end: int) -> bool:
    before = start == 0 or not (text[start - 1].isalnum() or text[start - 1] == "_")
    return before and (end == len(text) or not (text[end].isalnum() or text[end] == "_"))


def _as_written(name: str, labels: tuple[str, ...]) -> str:
    if name in labels:
        return name
    return next(label for label in labels if label.upper() == name.upper())


def _is_label(hit: re.Match[str], text: str, end: int) -> bool:
    """Whether a hit is a label and no word: "A dog", "I think", "a" are words."""
    if hit.group(1) and hit.group(3):
        return True
    name = hit.group(2)
    if name.isalpha() and name.islower() and len(name) == 1:
        # A small letter counts only where nothing but signs is around it.
        return not text[hit.end() : end].strip(_PUNCTUATION + ")]")
    if name.upper() not in ("A", "I") or hit.group(3):
        return True
    after = text[hit.end() : hit.end() + 2]
    return not (len(after) == 2 and after[0] == " " and after[1].islower())


def _whole_or_last(text: str, lower: str, choices: Choices, by_label: bool) -> Extraction:
    """The whole response is an answer, or its last line holds one."""
    stripped = text.strip()
    start = len(text) - len(text.lstrip())
    if by_label:
        hit = _whole(choices.label).match(stripped)
        if hit is not None:
            name = _as_written(hit.group(1), choices.label)
            return Extraction(name, (start + hit.start(1), start + hit.end(1)), "whole")
    bare = lower.strip().strip(_PUNCTUATION)
    for wanted, number in _folded(choices.text):
        if bare == wanted:
            answer = choices.label[number] if by_label else choices.text[number]
            return Extraction(answer, (start, start + len(stripped)), "whole")
    begin = start + stripped.rfind("\n") + 1
    end = start + len(stripped)
    if by_label:
        if _repeats_options(text, choices.label):
            return NONE
        found = {
            label.group(1).upper(): label
            for label in _bracketed(choices.label).finditer(text, begin)
        }
        if len(found) == 1:
            (label,) = found.values()
            name = _as_written(label.group(1), choices.label)
            return Extraction(name, label.span(1), "last line")
    hits = _text_hits(lower, begin, end, choices.text)
    if len(hits) != 1:
        return NONE
    first, stop, number = hits[0]
    answer = choices.label[number] if by_label else choices.text[number]
    return Extraction(answer, (first, stop), "last line, text" if by_label else "last line")


def _repeats_options(text: str, labels: tuple[str, ...]) -> bool:
    """Whether a response lists all options again, a line each, which is no answer."""
    if text.count("\n") < len(labels) - 1:
        return False
    begun = {_bare(line)[:1] for line in text.splitlines() if _OPTION_LINE.match(line)}
    return len(labels) > 1 and set(labels) <= begun


def _bare(line: str) -> str:
    return line.lstrip(" \t([")


@lru_cache(maxsize=4096)
def _whole(labels: tuple[str, ...]) -> re.Pattern[str]:
    names = "|".join(map(re.escape, labels))
    # "(B) any text" on one line, or a bare label with nothing but signs after it.
    return re.compile(
        rf"(?:[(\[]\s*(?=(?:{names})\s*[)\]]))?({names})(?:\s*[)\]][^\n]*|[.:,;!]?)\Z",
        re.IGNORECASE,
    )


@lru_cache(maxsize=4096)
def _bracketed(labels: tuple[str, ...]) -> re.Pattern[str]:
    names = "|".join(map(re.escape, labels))
    return re.compile(rf"[(\[]\s*({names})\s*[)\]]", re.IGNORECASE)
