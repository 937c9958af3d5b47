"""Answers that nothing announces: the whole response, its first line, a sentence, its last line."""

import re
from functools import lru_cache

from ..records import Choices, Extraction
from .options import SIGNS, alternatives, as_written, folded, text_hits

NONE = Extraction(None, None, "unparseable")
_OPTION_LINE = re.compile(r"\n[ \t]*[(\[]?([A-Z])[)\].:]")
_REACH = 80  # characters before "correct" in which the label stands


def read_ending(text: str, lower: str, choices: Choices, *, labels: bool) -> Extraction:
    """The option that a response without any announcement commits to."""
    start = len(text) - len(text.lstrip())
    end = len(text.rstrip())
    by_words = choices.label if labels else choices.text
    if labels and (hit := _whole(choices.label).match(text[start:end])):
        name = as_written(hit.group(1), choices.label)
        return Extraction(name, (start + hit.start(1), start + hit.end(1)), "whole")
    bare = lower[start:end].strip(SIGNS)
    for wanted, number in folded(choices.text):
        if bare == wanted:
            return Extraction(by_words[number], (start, end), "whole")
    if labels:
        if _repeats_options(text, choices.label):
            return NONE
        found = (
            _first_line(text, lower, start, choices)
            or _last_bracketed(text, end, choices)
            or _judgement(text, choices)
            or _last_label(text, end, choices)
        )
        if found is not None:
            return found
    hits = text_hits(lower, text.rfind("\n", 0, end) + 1, end, choices.text)
    if len(hits) != 1:
        return NONE
    first, stop, number = hits[0]
    return Extraction(by_words[number], (first, stop), "last line, text" if labels else "last line")


def _repeats_options(text: str, labels: tuple[str, ...]) -> bool:
    """Whether a response lists all options again, a line each, which is no answer."""
    if len(labels) < 2 or text.count("\n") < len(labels) - 1:
        return False
    return set(labels) <= set(_OPTION_LINE.findall(f"\n{text}"))


def _first_line(text: str, lower: str, start: int, choices: Choices) -> Extraction | None:
    """A response that begins with an option, alone or with its words, and goes on to explain."""
    end = text.find("\n", start)
    hit = _option(choices.label).match(text, start, end) if end > 0 else None
    if hit is None:
        return None
    name = as_written(hit.group(1), choices.label)
    words = lower[hit.end() : end].strip(SIGNS)
    if words and (words, choices.label.index(name)) not in folded(choices.text):
        return None
    return Extraction(name, hit.span(1), "first line")


def _last_bracketed(text: str, end: int, choices: Choices) -> Extraction | None:
    """The one label in brackets in the last line."""
    begin = text.rfind("\n", 0, end) + 1
    found = {hit.group(1).upper(): hit for hit in _bracketed(choices.label).finditer(text, begin)}
    if len(found) != 1:
        return None
    (hit,) = found.values()
    return Extraction(as_written(hit.group(1), choices.label), hit.span(1), "last line")


def _judgement(text: str, choices: Choices) -> Extraction | None:
    """The last "B is correct"."""
    judged = _judged(choices.label)
    last = None
    for word in ("correct", "right", "best"):
        at = text.rfind(word, last.end() if last else 0)
        while at >= 0:
            stop = at + len(word)
            hits = list(judged.finditer(text, max(0, at - _REACH), stop + 1))
            if hits and hits[-1].end() == stop:
                last = hits[-1]
                break
            at = text.rfind(word, last.end() if last else 0, at)
    return Extraction(last.group(1), last.span(1), "sentence") if last else None


def _last_label(text: str, end: int, choices: Choices) -> Extraction | None:
    """A label that is the last line, "Therefore" before it allowed."""
    begin = text.rfind("\n", 0, end) + 1
    hit = _concluded(choices.label).fullmatch(text, begin, end)
    return Extraction(hit.group(1), hit.span(1), "last line") if hit else None


@lru_cache(maxsize=4096)
def _whole(labels: tuple[str, ...]) -> re.Pattern[str]:
    names = alternatives(labels)
    # "(B) any text" on one line, or a bare label with nothing but signs after it.
    return re.compile(
        rf"(?:[(\[]\s*(?=(?:{names})\s*[)\]]))?({names})(?:\s*[)\]][^\n]*|[.:,;!]?)\Z",
        re.IGNORECASE,
    )


@lru_cache(maxsize=4096)
def _option(labels: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"[(\[]?({alternatives(labels)})(?:[)\].:]+\s*|\s*$)", re.MULTILINE)


@lru_cache(maxsize=4096)
def _bracketed(labels: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"[(\[]\s*({alternatives(labels)})\s*[)\]]", re.IGNORECASE)


@lru_cache(maxsize=4096)
def _judged(labels: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(
        rf"(?<![\w'’])[(\[]?({alternatives(labels)})[)\]]?\s+(?:is|must\s+be|has\s+to\s+be)\s+"
        r"(?:therefore\s+)?(?:the\s+)?(?:(?:most|only|single)\s+)?(?:correct|right|best)\b"
    )


@lru_cache(maxsize=4096)
def _concluded(labels: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(
        r"\W*(?:(?:[Tt]herefore|[Tt]hus|[Hh]ence|[Ss]o)\b[,:]?\s*)?(?:(?:it['’]s|it\s+is)\s+)?"
        rf"[(\[]?({alternatives(labels)})[)\]\s.,;:!?*\"'“”’]*"
    )
