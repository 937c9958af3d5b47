"""Which refinement is taken: one of a sane length, with the fewest edits."""

from collections.abc import Sequence
from typing import NamedTuple

from ..scoring.edits import edit_distance

# Shortest and longest refinement, in characters over those of the response.
SHORTEST, LONGEST = 0.2, 3.0


class Sample(NamedTuple):
    """One refinement that was drawn.

    Parameters
    ----------
    raw, text : before and after it was cleaned.
    rejection : why it cannot be taken; "" where it can.
    """

    raw: str
    text: str
    cleaned: bool = False
    rejection: str = ""


def rejection_of(text: str, response: str, finish_reason: str = "stop") -> str:
    """Why a refinement cannot stand in for a response; "" where it can.

    Cut, declined and empty ones cannot, nor those of another length altogether: a document may
    hold instructions that a model follows.
    """
    if finish_reason in ("refused", "filtered"):
        return finish_reason
    if finish_reason == "length":
        return "truncated"
    if not text.strip():
        return "empty"
    ratio = len(text) / len(response)
    return "" if SHORTEST <= ratio <= LONGEST else "length"


def choose(samples: Sequence[Sample], response: str, *, has_feedback: bool) -> Sample | None:
    """The refinement with the fewest word edits, the first of equals; None if none can be taken.

    With feedback, one that changes nothing is taken only where all are such: it would always have
    the fewest edits.
    """
    fit = [sample for sample in samples if not sample.rejection]
    if has_feedback:
        fit = [sample for sample in fit if sample.text != response] or fit
    return min(fit, key=lambda sample: edit_distance(response, sample.text), default=None)
