"""Words of a response, in the three ways that the metrics read them."""

import re
import string
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

from tenpapers.errors import UserError

from ..records import SampleSet

if TYPE_CHECKING:
    from nltk.tokenize import NLTKWordTokenizer

Tokenizer = Literal["simple", "nltk"]

_SIMPLE = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
_ROUGE = re.compile(r"[a-z0-9]+")
_ANY_WORD = re.compile(r"[^\W_]+")
# A text is in other letters where one word in so many is.
_ONE_IN = 20


@cache
def stop_words() -> frozenset[str]:
    """The 179 English stop words that are no content."""
    return frozenset(files("overton").joinpath("scoring/stopwords_en.txt").read_text().split())


def simple_tokens(text: str) -> list[str]:
    """Lower-cased words of letters and digits, with an apostrophe inside: `don't` is one."""
    return _SIMPLE.findall(text.lower().replace("\u2019", "'"))


def in_other_letters(text: str) -> bool:
    """Whether `simple_tokens` cuts or loses one word in 20, at letters that are none of a to z."""
    if text.isascii():
        return False
    words = _ANY_WORD.findall(text)
    return 0 < len(words) <= _ONE_IN * sum(not word.isascii() for word in words)


def other_letters(models: Iterable[SampleSet]) -> dict[str, int]:
    """Number of responses in other letters, of each model that has some."""
    found = {one.model: sum(map(in_other_letters, one.responses())) for one in models}
    return {model: count for model, count in found.items() if count}


def other_letters_note(found: Mapping[str, int]) -> str:
    """What `other_letters` means for the numbers; "" for none."""
    if not found:
        return ""
    told = ", ".join(f"{model} {count}" for model, count in found.items())
    return (
        "Words are of the letters a to z, others are cut or lost (diversity and coverage read them "
        f"with --tokenizer nltk). Responses with at least one such word in {_ONE_IN}: {told}."
    )


def rouge_tokens(text: str) -> list[str]:
    """Words as `rouge-score` cuts them: `don't` is two."""
    return _ROUGE.findall(text.lower())


def nltk_tokens(text: str) -> list[str]:
    """Words as the paper's own code cuts them: Punkt sentences, Treebank words, case kept."""
    return [word for sentence in _sentences()(text) for word in _treebank().tokenize(sentence)]


def content(tokens: list[str], tokenizer: Tokenizer = "simple") -> list[str]:
    """Tokens that are no stop words; of `nltk`'s also none that is all punctuation.

    The stop list is in small letters, so that a sentence's `The` is content to `nltk`.
    """
    kept = [token for token in tokens if token not in stop_words()]
    if tokenizer == "nltk":
        kept = [token for token in kept if any(sign not in string.punctuation for sign in token)]
    return kept


def tokenize(text: str, tokenizer: Tokenizer = "simple") -> list[str]:
    """All words of a text.

    Raises
    ------
    UserError : `nltk` is asked for and not installed.
    """
    return simple_tokens(text) if tokenizer == "simple" else nltk_tokens(text)


@cache
def _treebank() -> "NLTKWordTokenizer":
    from nltk.tokenize import NLTKWordTokenizer

    return NLTKWordTokenizer()


@cache
def _sentences() -> Callable[[str], list[str]]:
    try:
        from punkt import sent_tokenize
    except ImportError:
        raise UserError(
            "--tokenizer nltk needs nltk and its Punkt model",
            "pip install './packages/overton[nltk]'",
        ) from None
    return sent_tokenize
