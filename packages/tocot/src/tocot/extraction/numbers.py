"""Numbers as people write them: separators, currencies, fractions, powers of ten, short sums."""

import re
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from ..records import Extraction
from .boxes import last_box
from .triggers import lower_case, strong_triggers

_NONE = Extraction(None, None, "unparseable")
_INTEGER = r"(?:\d+(?:,\d{3})+|\d{1,2}(?:,\d{2})+,\d{3}|\d+)"
VALUE = re.compile(
    r"(?P<sign>(?<![\w)\]}])[-+]\s?)?(?:\\?[$£€¥]\s?)?(?P<minus>-)?"
    r"(?:"
    r"(?:(?P<whole>\d+)\s*)?\\[dt]?frac\s*\{?\s*(?P<up>-?\d+)\s*\}?\s*\{?\s*(?P<down>\d+)\s*\}?"
    rf"|(?:(?P<mixed>\d+)\s+)?(?P<over>\d+)\s?/\s?(?P<under>\d+)(?![\d/])"
    rf"|(?<![A-Za-z])(?P<plain>{_INTEGER}(?:\.\d+)?|\.\d+)"
    r"(?:[eE](?P<exponent>[-+]?\d+)\b|\s*(?:\\times|×|x|\*)\s*10\s*\^\s*\{?\s*(?P<power>[-+]?\d+)\s*\}?)?"
    r")"
)
# What may stand between an announcement and its number.
_LEAD = re.compile(
    r"(?:(?:approximately|about|around|roughly|exactly|simply|the|a\s+total\s+of|equal\s+to|=|≈|~"
    r"|\\approx|[a-zA-Z]\s*=)\s*)*[\s\"'“(\[{\\,*]*",
    re.IGNORECASE,
)
# A sum that is worked out: what stands between its first number and "=".
_SUM = re.compile(r"[\d\s.,$£€+*/×÷()x^=\\{}-]*=\s*")
_DIGIT = re.compile(r"\d")
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)|\n")


def announced_number(text: str) -> Extraction | None:
    """The number in a box, else behind `####`, else behind the last announcement; None for none."""
    marked = _marked(text)
    if marked is not None:
        return marked
    triggers = strong_triggers(text, lower_case(text))
    found = _announced(text, triggers[0], len(text)) if triggers else None
    return _answer(found, "trigger") if found else None


def find_number(text: str) -> Extraction:
    """The number that a text commits to, as a plain decimal.

    An announced one comes first, then one behind a bare "answer", then the last number there is.
    """
    marked = _marked(text)
    if marked is not None:
        return marked
    lower = lower_case(text)
    triggers = strong_triggers(text, lower)
    found = _announced(text, triggers[0], len(text)) if triggers else None
    for earlier in triggers[1:]:  # "The answer is 31. The answer (in words) is thirty-one."
        found = found or _direct(text, earlier, len(text))
    if triggers:  # "the answer is eleven": what it says is no figure, whatever stood before
        return _answer(found, "trigger") if found else _NONE
    at = lower.rfind("answer")
    found = _announced(text, at, len(text)) if at >= 0 else None
    if found is not None:
        return _answer(found, "trigger")
    found = _last(text, 0, len(text))
    return _NONE if found is None else _answer(found, "fallback")


def _marked(text: str) -> Extraction | None:
    """The number in the last box, else behind the last `####`; None for none."""
    if "\\" in text and (inner := last_box(text)) is not None:
        found = _announced(text, *inner)
        if found is not None:
            return _answer(found, "boxed")
    at = text.rfind("####")
    if at >= 0 and (hit := VALUE.search(text, at, _line_end(text, at))) is not None:
        return _answer(hit, "trigger")
    return None


def _announced(text: str, start: int, end: int) -> re.Match[str] | None:
    """The number after an announcement: one that follows at once, else the last one of its line."""
    lead = _LEAD.match(text, start, end)
    begin = lead.end() if lead else start
    return _direct(text, start, end) or _last(text, begin, _line_end(text, begin, end))


def _direct(text: str, start: int, end: int) -> re.Match[str] | None:
    """The number that a place begins with, or what a sum comes to that begins there."""
    lead = _LEAD.match(text, start, end)
    begin = lead.end() if lead else start
    direct = VALUE.match(text, begin, end) or VALUE.match(text, start, end)
    if direct is None:
        return None
    stop = _SENTENCE_END.search(text, direct.end(), end)
    worked_out = _SUM.match(text, direct.end(), stop.start() if stop else end)
    result = VALUE.match(text, worked_out.end(), end) if worked_out else None
    return result or direct


def _last(text: str, start: int, end: int) -> re.Match[str] | None:
    """The last number of the last line that has one."""
    while start < end:
        begin = max(start, text.rfind("\n", start, end) + 1)
        hits = list(VALUE.finditer(text, begin, end)) if _DIGIT.search(text, begin, end) else []
        if hits:
            return hits[-1]
        end = begin - 1
    return None


def _line_end(text: str, start: int, end: int | None = None) -> int:
    stop = text.find("\n", start, end)
    return (len(text) if end is None else end) if stop < 0 else stop


def _answer(hit: re.Match[str], rule: str) -> Extraction:
    return Extraction(plain_number(hit), hit.span(), rule)


def plain_number(hit: re.Match[str]) -> str:
    """A number as a plain decimal: no separators, no zeros at the end, fractions divided."""
    negative = (hit["sign"] or "").startswith("-") != bool(hit["minus"])
    sign = "-" if negative else ""
    if hit["plain"]:
        value = Decimal(hit["plain"].replace(",", ""))
        power = hit["exponent"] or hit["power"]
        try:
            value = value.scaleb(int(power)) if power else value
        except (InvalidOperation, ValueError):
            return sign + hit["plain"]
        if abs(value.adjusted()) > 40:  # nobody counts these zeros
            return sign + str(value)
        text = format(value, "f")
        return sign + (text.rstrip("0").rstrip(".") if "." in text else text)
    up, down = int(hit["up"] or hit["over"]), int(hit["down"] or hit["under"])
    whole = int(hit["whole"] or hit["mixed"] or 0)
    if down == 0:
        return sign + str(up)
    parts = whole + Fraction(up, down)
    return sign + (str(parts.numerator) if parts.denominator == 1 else repr(float(parts)))
