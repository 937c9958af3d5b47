"""What a scorer of answers compares, and what it says where it has no score."""

from dataclasses import dataclass
from typing import Literal, NamedTuple


class Comparison(NamedTuple):
    """An answer, the right one, their question, and the passage that the answer was read from."""

    context: str
    question: str
    reference: str
    candidate: str


Why = Literal["unparsed", "truncated", "refused", "filtered", "error"]


@dataclass(frozen=True)
class NoScore:
    """Why an answer has no score.

    Parameters
    ----------
    words : of an error; a request that got no answer is worth asking again.
    """

    why: Why
    words: str = ""
