"""The answer in a response, found without knowing the right one.

`extract` takes an item that has no gold answer, so that no rule can look for it. Which rule found
the answer is recorded, and its place in the original text.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from .records import Choices, Extraction, PublicItem

NONE = Extraction(None, None, "unparseable")
WINDOW = 120  # characters that are read after a trigger, at most to the end of its line
JUDGE_MARKER = "### Reply"

# What may stand between "answer" and the answer: "(Yes or No)", "is therefore", ":".
_STRONG = re.compile(
    r"(?:answer|option|choice)\s*(?:\([^()\n]{0,40}\)\s*)?(?:is(?:\s+therefore)?\b:?|:)\s*",
    re.IGNORECASE,
)
# After a bare "answer": a hint on the form, "(Yes or No)", is no answer.
_HINT = re.compile(r"\s*\((?=[^()\n]*\bor\b)[^()\n]{0,40}\)", re.IGNORECASE)
_STRONG_WORDS = ("answer", "option", "choice")
_BOXED = re.compile(r"\\f?box(?:ed)?\s*\{")
_NUMBER = re.compile(r"-?\$?\s?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+\b)?")
_LINE = re.compile(r"[^\n]*")
_MARKUP = re.compile(r"\*\*|__|`|\$|\\text\s*\{([^{}]*)\}")
_RUNS = re.compile(r"[\x00-\x7f]+|[^\x00-\x7f]+")
_PUNCTUATION = " \t\r\n.,;:!?*\"'“”‘’"


def extract(response: str | None, item: PublicItem, task_spec: Any = None) -> Extraction:
    """Find the answer of a response (spec 3.2).

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
    return _BY_KIND[item.answer_kind](response, item, task_spec)


def _letter(response: str, item: PublicItem, _: Any) -> Extraction:
    if item.choices is None:
        return NONE
    clean, places = _cleaned(response)
    found = _choice(clean, item.choices, labels=True)
    return _placed(found, places)


def _text_choice(response: str, item: PublicItem, _: Any) -> Extraction:
    if item.choices is None:
        return NONE
    clean, places = _cleaned(response)
    return _placed(_choice(clean, item.choices, labels=False), places)


def _choice(text: str, choices: Choices, *, labels: bool) -> Extraction:
    """Steps 2 to 5, on labels (with the texts where no label stands) or on texts alone."""
    lower = _lower(text)
    read = _read_labels if labels else _read_texts
    if "\\" in text:
        for start in reversed([hit.end() for hit in _BOXED.finditer(text)]):
            found = read(text, lower, start, choices, "boxed")
            if found is not None:
                return found
    starts = _strong_triggers(text, lower)
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


def _strong_triggers(text: str, lower: str) -> list[int]:
    """Ends of the strong triggers, last one first. `rfind` passes over the text at C speed."""
    ends: list[int] = []
    for word in _STRONG_WORDS:
        at = lower.rfind(word)
        while at >= 0:
            hit = _STRONG.match(text, at)
            if hit is not None:
                ends.append(hit.end())
            at = lower.rfind(word, 0, at)
    ends.sort(reverse=True)
    return ends


def _window_end(text: str, start: int) -> int:
    end = text.find("\n", start, start + WINDOW)
    return min(len(text), start + WINDOW) if end < 0 else end


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
    end = _window_end(text, start)
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
    end = len(text) if rule == "trigger" else _window_end(text, start)
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
        kept.setdefault(_lower(text).strip(_PUNCTUATION), number)
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
    """Steps 3 and 4: the whole response is an answer, or its last line holds one."""
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
        names = {
            one.group(1).upper(): one for one in _bracketed(choices.label).finditer(text, begin)
        }
        if len(names) == 1:
            (one,) = names.values()
            return Extraction(_as_written(one.group(1), choices.label), one.span(1), "last line")
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


_OPTION_LINE = re.compile(r"\s*[(\[]?[A-Z][)\].:]")


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


def _number(response: str, item: PublicItem, _: Any) -> Extraction:
    if "\\" in response and (inner := _last_box(response)) is not None:
        start, end = inner
        hit = _NUMBER.search(response, start, end)
        if hit is not None and not re.search(r"\\[dt]?frac", response[start:end]):
            return Extraction(_plain_number(hit.group()), hit.span(), "boxed")
        fraction = normalized_fraction(response[start:end])
        if fraction is not None:
            return Extraction(fraction, (start, end), "boxed")
    lower = _lower(response)
    triggers = _strong_triggers(response, lower)
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


def _math(response: str, item: PublicItem, _: Any) -> Extraction:
    inner = _last_box(response)
    if inner is None:
        return NONE
    start, end = inner
    text = response[start:end].strip()
    return Extraction(text, (start, end), "boxed") if text else NONE


def _last_box(response: str) -> tuple[int, int] | None:
    """Inside of the last balanced `\\boxed{}`; an open one ends at a blank, `$` or `}`."""
    starts = [hit.end() for hit in _BOXED.finditer(response)]
    for start in reversed(starts):
        depth = 1
        for place in range(start, len(response)):
            depth += {"{": 1, "}": -1}.get(response[place], 0)
            if depth == 0:
                return start, place
    if not starts:
        return None
    hit = re.compile(r"[^\s$}]*").match(response, starts[-1])
    return (hit.start(), hit.end()) if hit and hit.group() else None


def _text(response: str, item: PublicItem, _: Any) -> Extraction:
    triggers = _strong_triggers(response, _lower(response))
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


def _short(response: str, item: PublicItem, _: Any) -> Extraction:
    at = _lower(response).find("answer:")
    if at < 0:
        return NONE
    hit = _LINE.match(response, at + len("answer:"))
    answer = hit.group().strip() if hit else ""
    return Extraction(answer, hit.span(), "first answer") if hit and answer else NONE


def _judge(response: str, item: PublicItem, task_spec: Any) -> Extraction:
    """The reply after the marker (bracketed, upper-case, bold or with a colon); else all of it."""
    marker = getattr(task_spec, "marker", "") or JUDGE_MARKER
    words = re.escape(marker.strip("#:*[] "))
    hits = list(re.finditer(rf"[#*\[\s]*\b{words}\b[\]*:\s]*", response, re.IGNORECASE))
    start = hits[-1].end() if hits else 0
    text = response[start:].strip()
    if not text:
        return NONE
    return Extraction(text, (start, len(response)), "marker" if hits else "whole")


def _cleaned(response: str) -> tuple[str, Sequence[int] | None]:
    """Without markup and compatibility characters; the second part maps places back, if needed."""
    if response.isascii() and not _MARKUP.search(response):
        return response, None
    out: list[str] = []
    places: list[int] = []
    at = 0
    for hit in _MARKUP.finditer(response):
        _take(response, at, hit.start(), out, places)
        if hit.group(1) is not None:
            _take(response, hit.start(1), hit.end(1), out, places)
        at = hit.end()
    _take(response, at, len(response), out, places)
    places.append(len(response))
    return "".join(out), places


def _take(text: str, start: int, end: int, out: list[str], places: list[int]) -> None:
    """One part of the text, normalised; long runs of plain signs are copied as they are."""
    for run in _RUNS.finditer(text, start, end):
        part = run.group()
        if part.isascii():
            out.append(part)
            places.extend(range(run.start(), run.end()))
            continue
        for place, sign in enumerate(part, run.start()):
            found = unicodedata.normalize("NFKC", sign)
            out.append(found)
            places.extend([place] * len(found))


def _placed(found: Extraction, places: Sequence[int] | None) -> Extraction:
    """The same with its span in the original text."""
    if places is None or found.span is None:
        return found
    start, end = found.span
    return found._replace(span=(places[start], places[end - 1] + 1))


def _lower(text: str) -> str:
    """Lower case of the same length."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(one.lower() if len(one.lower()) == 1 else one for one in text)


_BY_KIND: dict[str, Callable[[str, PublicItem, Any], Extraction]] = {
    "letter": _letter,
    "text_choice": _text_choice,
    "bool3": _text_choice,
    "number": _number,
    "math": _math,
    "text": _text,
    "short": _short,
    "judge": _judge,
}
