"""Answers and passages in the form in which they are compared."""

import re
import string
from collections.abc import Iterator

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def whole_words(words: str, text: str) -> Iterator[re.Match[str]]:
    """Places where words stand by themselves in a text: the 7 of "7 days", not that of 2017."""
    before = r"(?<!\w)" if re.match(r"\w", words) else ""
    after = r"(?!\w)" if re.search(r"\w$", words) else ""
    return re.finditer(before + re.escape(words) + after, text)


def stands_in(words: str, text: str) -> bool:
    """Whether words stand by themselves in a text."""
    return next(whole_words(words, text), None) is not None


def normalise(text: str) -> str:
    """Lower-case, without punctuation, articles and repeated blanks (as SQuAD does)."""
    bare = text.lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())
