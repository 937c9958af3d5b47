"""Significance of every cell: the rows of `significance.csv`."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tenpapers.cli import comma_separated
from tenpapers.errors import UserError

from .paired_tests import (
    RESAMPLES,
    bootstrap_paired,
    discordant,
    least_resamples,
    mcnemar,
    paired_t,
)
from .pairs import Cell, cell_pairs
from .settings import Correction, Policy, SignificanceSettings

FAMILIES = {
    "commonsense": "Commonsense",
    "knowledge": "Knowledge",
    "soft": "Soft reasoning",
    "symbolic": "Symbolic",
    "mathematical": "Mathematical",
    "math": "Mathematical",
}


def family(cells: Sequence[Cell], names: Sequence[str]) -> list[Cell]:
    """Cells of the named groups; all of them without names.

    Raises
    ------
    UserError : unknown name; no cell.
    """
    for name in names:
        if name.lower() not in FAMILIES:
            raise UserError(f"family {name}: unknown", ", ".join(FAMILIES))
    wanted = {FAMILIES[name.lower()] for name in names}
    paired = [cell for cell in cells if cell.direct]
    if not paired:
        raise UserError("significance: no task with both arms")
    kept = [cell for cell in paired if not wanted or cell.group in wanted]
    if not kept:
        here = ", ".join(f"{cell.name} ({cell.group or 'no group'})" for cell in paired)
        raise UserError(f"significance: no task of {', '.join(sorted(wanted))}: {here}")
    return kept


def family_tests(cells: Sequence[Cell], settings: SignificanceSettings) -> list[dict[str, Any]]:
    """The tests of the family that the settings name.

    Raises
    ------
    UserError : what `family` and `cell_tests` raise.
    """
    return cell_tests(
        family(cells, comma_separated(settings.family)),
        policy=settings.unparseable or "wrong",
        alpha=settings.alpha,
        correction=settings.correction,
        resamples=settings.resamples,
        seed=settings.seed,
    )


def cell_tests(
    cells: Sequence[Cell],
    *,
    policy: Policy = "wrong",
    alpha: float = 0.05,
    correction: Correction = "bonferroni",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Paired bootstrap and McNemar of every cell, at one family-wise level.

    A gain is significant where both say so: a bootstrap of three pairs draws nothing but gains.

    Raises
    ------
    UserError : fewer resamples than the level needs.
    """
    level = alpha / len(cells) if correction == "bonferroni" else alpha
    if resamples < least_resamples(level):
        raise UserError(
            f"{resamples} resamples cannot tell p below {level:.2g}",
            f"--resamples {least_resamples(level)}",
        )
    rows = []
    for cell in cells:
        pairs = cell_pairs(cell, policy)
        found = bootstrap_paired(pairs.direct, pairs.cot, resamples, seed)
        cot_only, direct_only = discordant(pairs.direct, pairs.cot)
        exact = mcnemar(cot_only, direct_only)
        rows.append(
            {
                "task": cell.name,
                "n": len(pairs.ids),
                "cot_only": cot_only,
                "direct_only": direct_only,
                "delta": _points(found.delta),
                "p": found.p,
                "significant": found.p is not None and found.p < level and exact < level,
                "ci_low": _points(found.ci_low),
                "ci_high": _points(found.ci_high),
                "mcnemar_p": exact,
                "group": cell.group,
                "alpha": level,
            }
        )
    return rows


def _points(share: float | None) -> float | None:
    return None if share is None else 100 * share


def verdict(rows: Sequence[dict[str, Any]]) -> str:
    """How many cells are significant, in all and by group, and the t-test over cells."""
    hits = [row for row in rows if row["significant"]]
    by_group = Counter(row["group"] or "other" for row in hits)
    parts = ", ".join(f"{name} {count}" for name, count in sorted(by_group.items())) or "none"
    p = paired_t([row["delta"] for row in rows if row["delta"] is not None])
    tail = "" if p is None else f" Two-sided t-test over the cells: p = {p:.2g}."
    return (
        f"{len(hits)} of {len(rows)} cells gain significantly at {rows[0]['alpha']:.2g} "
        f"({parts}).{tail}"
    )
