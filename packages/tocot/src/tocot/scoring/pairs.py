"""Pairs of both arms, and what an unparseable response is worth."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tenpapers.errors import UserError

from ..records import ARMS, Graded
from .settings import Policy


class Pairs(NamedTuple):
    """Credits of the same items in both arms.

    Parameters
    ----------
    ids : of the items, in order.
    direct, cot : credit of each, float64 [n], between 0 and 1.
    """

    ids: list[str]
    direct: NDArray[np.float64]
    cot: NDArray[np.float64]


@dataclass(frozen=True)
class Cell:
    """All graded rows of one source and task.

    Parameters
    ----------
    unpaired : items with one arm only; errored : items whose backend failed. Both count nowhere.
    """

    source: str
    task: str
    category: str
    group: str
    direct: list[Graded] = field(default_factory=list)
    cot: list[Graded] = field(default_factory=list)
    unpaired: int = 0
    errored: int = 0

    @property
    def name(self) -> str:
        """As the tables have it."""
        return f"{self.source}/{self.task}"


def cells(rows: Sequence[Graded]) -> list[Cell]:
    """Rows by source and task, reduced to items that both arms have.

    Raises
    ------
    UserError : an id twice in one arm.
    """
    by_name: dict[tuple[str, str], list[Graded]] = defaultdict(list)
    for row in rows:
        by_name[row.source, row.task].append(row)
    return [_cell(source, task, part) for (source, task), part in by_name.items()]


def _cell(source: str, task: str, rows: Sequence[Graded]) -> Cell:
    errored = {row.id for row in rows if row.errored}
    direct, cot = (
        by_id((row for row in rows if row.arm == arm), f"{source}/{task}: ", f"arm {arm}")
        for arm in ARMS
    )
    direct, cot = (
        {name: row for name, row in arm.items() if name not in errored} for arm in (direct, cot)
    )
    both = [name for name in direct if name in cot]
    return Cell(
        source,
        task,
        rows[0].category,
        rows[0].group,
        [direct[name] for name in both],
        [cot[name] for name in both],
        unpaired=len(direct.keys() ^ cot.keys()),
        errored=len(errored),
    )


def by_id(rows: Iterable[Graded], where: str = "", arm: str = "one arm") -> dict[str, Graded]:
    """Rows by their ids, in order.

    Raises
    ------
    UserError : an id twice.
    """
    found: dict[str, Graded] = {}
    for row in rows:
        if row.id in found:
            raise UserError(f"{where}id {row.id!r} twice in {arm}")
        found[row.id] = row
    return found


def credit(row: Graded, policy: Policy) -> float:
    """Credit of a response: 1 right, 0 wrong; an unparseable one by the policy.

    "guess" gives what guessing among the item's own options earns on average, 0 without a choice.
    """
    if row.credit is not None:
        return row.credit
    if row.parsed or policy != "guess":
        return float(row.correct)
    return 1 / row.n_choices if row.n_choices and row.n_choices > 1 else 0.0


def cell_pairs(cell: Cell, policy: Policy = "wrong") -> Pairs:
    """Credits of both arms; "drop" leaves out items that either arm left unparseable."""
    kept = list(zip(cell.direct, cell.cot, strict=True))
    if policy == "drop":
        kept = [(a, b) for a, b in kept if a.parsed and b.parsed]
    return Pairs(
        [a.id for a, _ in kept],
        np.array([credit(a, policy) for a, _ in kept]),
        np.array([credit(b, policy) for _, b in kept]),
    )


def paired(a: Sequence[Graded], b: Sequence[Graded], policy: Policy = "wrong") -> Pairs:
    """Credits of two lists of rows, matched by id: any two settings of one task.

    Raises
    ------
    UserError : an id twice in one list; no id in common.
    """
    first, second = by_id(a), by_id(b)
    both = [row for name, row in first.items() if name in second]
    if not both:
        raise UserError(f"no id in common: {len(a)} and {len(b)} rows")
    return Pairs(
        [row.id for row in both],
        np.array([credit(row, policy) for row in both]),
        np.array([credit(second[row.id], policy) for row in both]),
    )
