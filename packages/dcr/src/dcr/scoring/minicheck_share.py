"""What a detector says of responses: its mean probability, and whether it supports every sentence.

By itself this is no measure of a refinement that the same detector gated: its score rises on clean
text that was damaged. Whoever prints it says whether it is independent.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..detect.detect import detect
from ..detect.detector import Detector
from ..records import Detected, Instance, Revised


class Share(NamedTuple):
    """Of a response: mean P(supported) of its sentences, and whether all are supported.

    Parameters
    ----------
    probability : None of a response without a sentence.
    supported : None where the detector gave no answer.
    error : why it gave none.
    """

    probability: float | None
    supported: bool | None
    error: str = ""


def shares(texts: Sequence[Instance], detector: Detector) -> Iterator[Share]:
    """What a detector says of each response, in their order."""
    for row in detect(texts, detector):
        yield share_of(row)


def share_of(row: Detected) -> Share:
    """The same of a response that was held against its document already."""
    if row.error:
        return Share(None, None, row.error)
    probabilities = row.support_prob
    mean = sum(probabilities) / len(probabilities) if probabilities else None
    return Share(mean, row.response_ok)


def is_independent(row: Revised, detector: str) -> bool:
    """Whether a refinement was made without this detector: no gate, nor under occlusion."""
    if (row.model_extra or {}).get("critic") == "occlusion":
        return False  # whose detector is not on record where the recipe does not detect
    return row.recipe not in ("dcr", "detect_refine") or row.detector != detector
