"""Words that an answer shares with a right one: token F1 and exact match, as SQuAD has them."""

import re
import string
from collections import Counter
from collections.abc import Sequence

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")


def normalized(text: str) -> str:
    """An answer in lower case, without punctuation and articles, words one space apart."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(candidate: str, references: Sequence[str]) -> float:
    """1 where the candidate is one of the references once normalized, else 0."""
    own = normalized(candidate)
    return float(any(own == normalized(reference) for reference in references))


def token_f1(candidate: str, references: Sequence[str]) -> float:
    """Harmonic mean of precision and recall of normalized words, 0 to 1; the best reference counts.

    Two empty texts are equal (1), one empty text shares nothing (0).
    """
    return max((_f1(candidate, reference) for reference in references), default=0.0)


def _f1(candidate: str, reference: str) -> float:
    own, other = normalized(candidate).split(), normalized(reference).split()
    if not own or not other:
        return float(own == other)
    shared = (Counter(own) & Counter(other)).total()
    return 2 * shared / (len(own) + len(other))
