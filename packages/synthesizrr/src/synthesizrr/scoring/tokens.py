"""Word tokens, as the metrics count them."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Literal

from .sentences import sentences

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
    """Word tokens as NLTK's `word_tokenize` gives them (Penn Treebank rules, sentence by sentence).

    The rules take a full stop off the last word alone, so sentences are told apart first; ours
    need no model, where NLTK's needs a download.
    """
    return [token for part in sentences(text) for token in _treebank().tokenize(part)]


@cache
def _treebank() -> "NLTKWordTokenizer":
    from nltk.tokenize import NLTKWordTokenizer

    return NLTKWordTokenizer()
