"""Word tokens, as the metrics count them."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from nltk.tokenize import NLTKWordTokenizer
    from spacy.language import Language

Tokenizer = Literal["spacy", "whitespace"]


def token_lists(texts: Sequence[str], tokenizer: Tokenizer = "spacy") -> list[list[str]]:
    """Tokens of every text, as they stand (no lower-casing).

    Parameters
    ----------
    tokenizer : "spacy" (the rules of English; no model is needed) or "whitespace".
    """
    if tokenizer == "whitespace":
        return [text.split() for text in texts]
    tokenize = _english().tokenizer
    return [[token.text for token in tokenize(text)] for text in texts]


@cache
def _english() -> "Language":
    import spacy

    nlp = spacy.blank("en")
    nlp.max_length = 1 << 30
    return nlp


def word_tokens(text: str) -> list[str]:
    """NLTK's word tokens of a text (Penn Treebank rules), as they stand."""
    return list(_treebank().tokenize(text))


@cache
def _treebank() -> "NLTKWordTokenizer":
    from nltk.tokenize import NLTKWordTokenizer

    return NLTKWordTokenizer()
