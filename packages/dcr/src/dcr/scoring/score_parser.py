"""Scores and labels in a judge's words; what is not said as it was asked for is not read."""

import re
from collections.abc import Sequence
from functools import cache

LOWEST, HIGHEST = 1.0, 5.0
# What stands between two words of a phrase, and around a number: blanks and markup.
_BETWEEN = r"[\s*_`~]+"
_NUMBER = re.compile(r"-?\d[\d.,/–-]*")


def read_score(text: str, phrase: str) -> float | None:
    """The score, 1 to 5, after the last occurrence of a closing phrase; None where there is none.

    The first number behind the phrase counts if all of it is a score: "4", "**4**", "4.", "4/5" and
    "4.5" are; "7", "4-5", "4,5" and "8/10" are not.
    """
    places = list(_phrase(phrase).finditer(text))
    number = _NUMBER.search(text, places[-1].end()) if places else None
    if number is None:
        return None
    token = number[0].rstrip(".,–-")
    try:
        value = float(token.removesuffix("/5"))
    except ValueError:
        return None
    return value if LOWEST <= value <= HIGHEST else None


def read_label(text: str, phrase: str, labels: Sequence[str]) -> str | None:
    """The label that stands right behind the last occurrence of a phrase; None for another word."""
    places = list(_phrase(phrase).finditer(text))
    if not places:
        return None
    rest = re.sub(r"[\s*_`~:\"'“”(\[]+", " ", text[places[-1].end() :]).strip().lower()
    return next((label for label in labels if re.match(rf"{re.escape(label)}\b", rest)), None)


@cache
def _phrase(phrase: str) -> re.Pattern[str]:
    words = _BETWEEN.join(re.escape(word) for word in phrase.split())
    return re.compile(rf"(?<!\w){words}(?!\w)", re.IGNORECASE)
