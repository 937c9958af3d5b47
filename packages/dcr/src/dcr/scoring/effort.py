"""What a refinement cost and left: the text that is scored, ROUGE-L, edits, lengths."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from .edits import edit_ops

if TYPE_CHECKING:
    from rouge_score.rouge_scorer import RougeScorer

# What stands behind a scored text: the refiner's own words, or the response in their place.
Source = Literal["refined", "empty", "no_error"]


class Scored(NamedTuple):
    """The text of a refinement that metrics see.

    Parameters
    ----------
    source : `empty` and `no_error` are refinements whose response stands in their place.
    """

    text: str
    source: Source


def scored_text(original: str, refined: str) -> Scored:
    """The text that counts as refined: one that is empty or says "no error" is the response.

    Leaving such rows out, as the paper's code does with empty ones, would raise the mean.
    """
    if not refined.strip():
        return Scored(original, "empty")
    if "no error" in refined.lower() and "no error" not in original.lower():
        return Scored(original, "no_error")
    return Scored(refined, "refined")


def rouge_l(reference: str, candidate: str) -> float:
    """ROUGE-L F1 by `rouge-score`, without its stemmer."""
    return float(_scorer().score(reference, candidate)["rougeL"].fmeasure)


@cache
def _scorer() -> "RougeScorer":
    from rouge_score.rouge_scorer import RougeScorer
    from rouge_score.tokenizers import DefaultTokenizer

    # The same one as without naming it, which would be logged.
    return RougeScorer(["rougeL"], tokenizer=DefaultTokenizer(use_stemmer=False))


def rouge_fields(document: str, original: str, refined: str) -> Mapping[str, float]:
    """ROUGE-L of both texts against the document, and of one against the other."""
    before, after = rouge_l(document, original), rouge_l(document, refined)
    return {
        "rougeL_original": before,
        "rougeL_refined": after,
        "rougeL_delta": after - before,
        "rougeL_between": rouge_l(original, refined),
    }


def edit_fields(original: str, refined: str) -> Mapping[str, float | bool | None]:
    """Word edits by kind, their share of the response, and how long the text is now.

    `length_ratio` is in words; None where the response has none.
    """
    ops = edit_ops(original, refined)
    return {
        "edits": ops.edits,
        "adds": ops.adds,
        "deletes": ops.deletes,
        "subs": ops.subs,
        "edit_share": ops.share,
        "length_ratio": ops.len_b / ops.len_a if ops.len_a else None,
        "copied": refined == original,
    }
