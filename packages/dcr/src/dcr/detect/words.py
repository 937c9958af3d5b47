"""Sentences and words as detectors and injected errors see them."""

import re
from functools import cache
from typing import TYPE_CHECKING

from tenpapers.sentences import EmptyDocumentError, Span, sentence_split, split_document

if TYPE_CHECKING:
    from nltk.tokenize import NLTKWordTokenizer

__all__ = [
    "SENTENCE_END",
    "STOPWORDS",
    "EmptyDocumentError",
    "Span",
    "is_number",
    "is_short",
    "sentence_split",
    "split_document",
    "words",
]

# Words that say little by themselves; a document that has them supports nothing yet.
_STOPWORDS = """
a about above after again against all also am an and any are as at be because been before being
below between both but by can could did do does doing down during each few for from further had
has have having he her here hers herself him himself his how i if in into is it its itself just
may me might more most must my myself no nor not now of off on once only or other our ours
ourselves out over own per same shall she should so some such than that the their theirs them
themselves then there these they this those through to too under until up upon us very was we
were what when where which while who whom whose why will with within without would yes yet you
your yours yourself yourselves
"""
STOPWORDS = frozenset(_STOPWORDS.split())
# A sentence of plain prose: up to . ! ? before a capital, a digit or a quote, or to the line's end.
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\"'“‘])|\n+")
_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:[’'-][^\W\d_]+)*")


def words(text: str) -> list[str]:
    """Words and numbers of a text, as they are written; punctuation is left out."""
    return _WORD.findall(text)


def is_number(word: str) -> bool:
    """Whether a word is a number written in digits."""
    return word[0].isdigit()


def is_short(sentence: str, min_words: int) -> bool:
    """Whether a sentence has fewer word tokens than that, as NLTK cuts words.

    Detectors often flag the mark of a list such as "5.", which says nothing.
    """
    return len(_tokenizer().tokenize(sentence)) < min_words


@cache
def _tokenizer() -> "NLTKWordTokenizer":
    from nltk.tokenize import NLTKWordTokenizer

    return NLTKWordTokenizer()
