"""Files of scores of pairs: a reference's response and an alternative's, as BERTScore has them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.records import read_json_lines

from ..records import InstanceId

_SCORES = ("precision", "recall", "f1")


@dataclass(frozen=True)
class PairScore:
    """Score of one pair of responses to a question."""

    instance_id: InstanceId
    ref_sample_index: int
    alt_sample_index: int
    precision: float
    recall: float
    f1: float


def load_pair_scores(path: Path) -> list[PairScore]:
    """Read scores of pairs.

    Raises
    ------
    UserError : missing or empty file, a line that is not JSON, a row without ids or scores.
    """
    found = []
    for number, row in read_json_lines(path):
        try:
            found.append(_pair_score(row))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise UserError(
                f"{path}:{number}: no score of a pair",
                "wanted: `metadata` with instance_id, ref_sample_index and alt_sample_index, and "
                "`precision`, `recall`, `f1`",
            ) from None
    if not found:
        raise UserError(f"{path}: no records in it")
    return found


def _pair_score(row: dict[str, Any]) -> PairScore:
    ids = row["metadata"]
    return PairScore(
        ids["instance_id"],
        int(ids["ref_sample_index"]),
        int(ids["alt_sample_index"]),
        *(float(row[name]) for name in _SCORES),
    )
