"""Cutting texts to a number of the teacher's tokens, at the end of a sentence."""

from typing import TYPE_CHECKING, NamedTuple

from ..scoring.sentences import sentence_ends

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class Shortened(NamedTuple):
    """A text that fits, and whether it was cut within a sentence."""

    text: str
    hard_cut: bool


def shorten(
    text: str,
    tokenizer: "PreTrainedTokenizerBase",
    min_tokens: int | None = None,
    *,
    max_tokens: int,
    strict: bool = False,
) -> str | None:
    """The first `max_tokens` tokens, up to the last sentence end among them.

    A full stop inside a number or behind an abbreviation ends no sentence.

    Parameters
    ----------
    tokenizer : the teacher's; special tokens are not counted.
    min_tokens : a text of fewer tokens gives None.
    strict : only the full stop, as a token of its own, ends a sentence (the official rule).

    Returns
    -------
    The text; without any sentence end the first `max_tokens` tokens, where the official code
    returns the whole text; None for a text that is too short.
    """
    found = shortened(text, tokenizer, min_tokens, max_tokens=max_tokens, strict=strict)
    return found.text if found else None


def shortened(
    text: str,
    tokenizer: "PreTrainedTokenizerBase",
    min_tokens: int | None = None,
    *,
    max_tokens: int,
    strict: bool = False,
) -> Shortened | None:
    """As `shorten`, and whether the cut is hard."""
    pieces = _pieces(text, tokenizer)
    if min_tokens is not None and len(pieces) < min_tokens:
        return None
    kept = pieces[:max_tokens]
    end = kept[-1][1] if kept else 0
    if strict:
        ends = [stop for piece, stop in kept if piece.strip() == "."]
    else:
        ends = [stop for stop in sentence_ends(text) if stop <= end]
    if ends:
        return Shortened(text[: ends[-1]].strip(), False)
    return Shortened(text[:end].strip(), len(pieces) > len(kept))


def _pieces(text: str, tokenizer: "PreTrainedTokenizerBase") -> list[tuple[str, int]]:
    """Every token's surface and where it ends in the text."""
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    return [(text[start:end], end) for start, end in encoded["offset_mapping"]]
