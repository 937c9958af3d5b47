"""How many of an answer's words a text has."""

import re
from collections.abc import Set
from functools import cache

_WORDS = re.compile(r"\w+")


def token_recall(answer: str, document: str) -> float:
    """Share of an answer's distinct words, stop words left out, that a document has; 0 of none."""
    wanted = content_words(answer)
    return len(wanted & content_words(document)) / len(wanted) if wanted else 0.0


def content_words(text: str) -> Set[str]:
    """Distinct words in small letters without English stop words."""
    return set(_WORDS.findall(text.lower())) - _stop_words()


@cache
def _stop_words() -> frozenset[str]:
    from bm25s.stopwords import STOPWORDS_EN_PLUS

    return frozenset(STOPWORDS_EN_PLUS)
