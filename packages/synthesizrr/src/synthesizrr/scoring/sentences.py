"""Where sentences end: not inside numbers and abbreviations, and with other scripts' full stops."""

import itertools
import re
from collections.abc import Iterator

_CLOSING = "\"'”’»)\\]"
# Full stops of Chinese and Japanese, Arabic, Urdu, Hindi and Amharic need no blank behind them.
_END = re.compile(
    rf"(?P<latin>[.!?…]+)[{_CLOSING}]*(?=\s|$)|[。！？｡؟۔।॥።]+[{_CLOSING}」』）]*", re.MULTILINE
)
_WORD_BEFORE = re.compile(r"[^\s(\[\"'“‘«]*$")
# U.S, e.g, p.m; an initial
_LETTERS_WITH_DOTS = re.compile(r"(?:[A-Za-z]\.)+[A-Za-z]|[A-HJ-Z]")
_WORDS = """
adm al approx apr apt assn assoc asst aug ave bros capt cf co col comdr corp cpl dec dept dist
dr esp est etc feb fig figs ft gen gov hon inc jan jr jul jun lt ltd maj mar messrs mr mrs ms mt
nov oct pp prof rep rev sen sep sept sgt sr st supt univ vol vs
"""
_ABBREVIATIONS = frozenset(_WORDS.split())
_BEFORE_NUMBERS = frozenset({"no", "nos", "p", "art", "sec", "ch"})  # "No. 5", not "He said no."


def sentence_ends(text: str) -> Iterator[int]:
    """Offsets behind the sentences of a text, closing quotes and brackets included."""
    last = len(text.rstrip())
    for found in _END.finditer(text):
        goes_on = found.end() < last
        if not (goes_on and found["latin"] == "." and _is_abbreviation(text, found)):
            yield found.end()


def _is_abbreviation(text: str, stop: re.Match[str]) -> bool:
    before = _WORD_BEFORE.search(text, max(0, stop.start() - 20), stop.start())
    word = before[0] if before else ""
    if word.lower() in _BEFORE_NUMBERS:
        return text[stop.end() :].lstrip()[:1].isdigit()
    return bool(_LETTERS_WITH_DOTS.fullmatch(word)) or word.lower() in _ABBREVIATIONS


def sentences(text: str) -> list[str]:
    """The sentences of a text, without the blanks between them; what follows the last end too."""
    ends = [0, *sentence_ends(text), len(text)]
    parts = (text[start:end].strip() for start, end in itertools.pairwise(ends))
    return [part for part in parts if part]
