"""An item's own options in a text: their labels and their words."""

import re
from functools import lru_cache

from .triggers import lower_case

SIGNS = " \t\r\n.,;:!?*#\"'“”‘’"
# What comes before an option that is ruled out: "not A", "isn't A", "cannot be A".
_RULED_OUT = re.compile(
    r"(?:\bnot|n['’]t|\bcannot|\bnever|\bneither|\bnor|\brather\s+than|\binstead\s+of)"
    r"(?:\s+(?:be|the|option|choice|answer|necessarily))*\s*[\"'“(\[]*\Z",
    re.IGNORECASE,
)
_REACH = 40  # characters before an option in which it may be ruled out
# Words that follow a label and never an article: "A because", "I is".
_AFTER_A_LABEL = re.compile(
    r" (?:as|and|because|but|for|given|has|is|not|or|since|so|was|which|while|with)\b"
)


@lru_cache(maxsize=1024)
def label_patterns(labels: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """One label, brackets around it allowed; and a further label joined to it."""
    names = alternatives(labels)
    label = re.compile(
        rf"(?<![A-Za-z0-9])([(\[{{]\s*)?({names})(\s*[)\]}}])?(?![A-Za-z0-9]|['’]\w)",
        re.IGNORECASE,
    )
    # Labels as they are written: "B, a shop" names one label.
    more = re.compile(
        rf"\s*(?:,\s*(?:and\b|or\b)?|[/+&]|and\b|or\b)\s*[(\[]?({names})[)\]]?(?![A-Za-z0-9'’])"
    )
    return label, more


def alternatives(labels: tuple[str, ...]) -> str:
    """A pattern of any of them, longer ones first."""
    return "|".join(re.escape(label) for label in sorted(labels, key=len, reverse=True))


def as_written(name: str, labels: tuple[str, ...]) -> str:
    """The label that a text names in whatever case."""
    if name in labels:
        return name
    return next(label for label in labels if label.upper() == name.upper())


def is_label(hit: re.Match[str], text: str, end: int) -> bool:
    """Whether a hit is a label and no word: "A dog", "I think", "a" are words."""
    if hit.group(1) and hit.group(3):
        return True
    name = hit.group(2)
    if name.isalpha() and name.islower() and len(name) == 1:
        # A small letter counts only where nothing but signs is around it.
        return not text[hit.end() : end].strip(SIGNS + ")]")
    if name.upper() not in ("A", "I") or hit.group(3):
        return True
    if _AFTER_A_LABEL.match(text, hit.end()):
        return True
    after = text[hit.end() : hit.end() + 2]
    return not (len(after) == 2 and after[0] == " " and after[1].islower())


def ruled_out(text: str, start: int, at: int) -> bool:
    """Whether the words before a place, from `start` on, say that what stands there is not it."""
    if at - start < len("not"):
        return False
    return _RULED_OUT.search(text, max(start, at - _REACH), at) is not None


def text_hits(
    lower: str, start: int, end: int, texts: tuple[str, ...]
) -> list[tuple[int, int, int]]:
    """First place of every choice text that stands there as words: start, end, number.

    Longer texts come first, and what they cover is not found again ("valid" in "invalid" is no
    word, "blue" in "dark blue" is covered). What is ruled out does not count.
    """
    hits: list[tuple[int, int, int]] = []
    for wanted, number in folded(texts):
        at = lower.find(wanted, start, end)
        while at >= 0:
            stop = at + len(wanted)
            free = all(stop <= a or at >= b for a, b, _ in hits)
            if free and _stands_alone(lower, at, stop) and not ruled_out(lower, start, at):
                hits.append((at, stop, number))
                break
            at = lower.find(wanted, at + 1, end)
    return hits


@lru_cache(maxsize=65_536)
def folded(texts: tuple[str, ...]) -> list[tuple[str, int]]:
    """Choice texts in lower case without signs around them, longest first, with their numbers."""
    kept: dict[str, int] = {}
    for number, text in enumerate(texts):
        kept.setdefault(lower_case(text).strip(SIGNS), number)
    kept.pop("", None)
    return sorted(kept.items(), key=lambda pair: (-len(pair[0]), pair[1]))


def _stands_alone(text: str, start: int, end: int) -> bool:
    before = start == 0 or not (text[start - 1].isalnum() or text[start - 1] == "_")
    return before and (end == len(text) or not (text[end].isalnum() or text[end] == "_"))
