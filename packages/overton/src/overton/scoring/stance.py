"""Which stances a model's samples take: distributional against Overton pluralism."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log2
from typing import TYPE_CHECKING, Any

import numpy as np

from ..records import STANCES, Stance

if TYPE_CHECKING:
    from jaxtyping import Bool, Float64, Int64
    from numpy import ndarray


@dataclass(frozen=True)
class StanceProfile:
    """Stances of a model's responses to N questions.

    Parameters
    ----------
    counts : responses by stance.
    entropy_bits : of the stances of each question, [N], 0 to 2.
    distinct : number of stances of each question, [N], 1 to 4.
    yes_and_no : whether a question has both a yes and a no among its responses, [N].
    any_both : whether one response at least presents both sides, [N].
    """

    counts: dict[Stance, int]
    entropy_bits: Float64[ndarray, " questions"]
    distinct: Int64[ndarray, " questions"]
    yes_and_no: Bool[ndarray, " questions"]
    any_both: Bool[ndarray, " questions"]

    @property
    def n(self) -> int:
        """Number of responses with a stance."""
        return sum(self.counts.values())

    @property
    def distributional(self) -> float | None:
        """D: share of questions to which the samples together say yes and no."""
        return float(self.yes_and_no.mean()) if self.yes_and_no.size else None

    @property
    def overton(self) -> float | None:
        """O: share of responses that present both sides themselves."""
        return self.counts["both"] / self.n if self.n else None

    def row(self) -> dict[str, Any]:
        """The profile in numbers, means over questions."""
        per_question = {
            "entropy_bits": self.entropy_bits,
            "distinct": self.distinct,
            "yes_and_no": self.yes_and_no,
            "any_both": self.any_both,
        }
        means = {
            name: float(values.mean()) if values.size else None
            for name, values in per_question.items()
        }
        row: dict[str, Any] = {"n": self.n}
        row.update({str(stance): count for stance, count in self.counts.items()})
        return row | means


def stance_profile(labels: Sequence[Sequence[Stance | None]]) -> StanceProfile:
    """Profile of the stances of each question's responses.

    Parameters
    ----------
    labels : [N][k]; None (no verdict) is left out, and a question without any verdict too.

    Raises
    ------
    ValueError : a label that is none of the four stances.
    """
    counted = [Counter(label for label in some if label is not None) for some in labels]
    counted = [found for found in counted if found]
    unknown = set().union(*counted) - set(STANCES)
    if unknown:
        raise ValueError(f"stances are {', '.join(STANCES)}, not {', '.join(map(str, unknown))}")
    return StanceProfile(
        counts={stance: sum(found[stance] for found in counted) for stance in STANCES},
        entropy_bits=np.array([entropy_bits(found) for found in counted], dtype=np.float64),
        distinct=np.array([len(found) for found in counted], dtype=np.int64),
        yes_and_no=np.array([bool(found["yes"] and found["no"]) for found in counted], dtype=bool),
        any_both=np.array([bool(found["both"]) for found in counted], dtype=bool),
    )


def entropy_bits(counts: Counter[Stance]) -> float:
    """Entropy of a distribution given by counts."""
    total = counts.total()
    return sum(-n / total * log2(n / total) for n in counts.values() if n) + 0.0
