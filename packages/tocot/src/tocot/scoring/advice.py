"""Where chain of thought pays (the paper's "apply it selectively", made usable)."""

from collections.abc import Sequence
from typing import Any

from .cell_numbers import cell_numbers, positions
from .cell_tests import cell_tests
from .paired_tests import RESAMPLES
from .pairs import Cell
from .settings import Policy

TOOL_CATEGORIES = ("math", "symbolic & algorithmic", "logical reasoning")


def advise_cells(
    cells: Sequence[Cell], *, alpha: float = 0.05, resamples: int = RESAMPLES, seed: int = 0
) -> list[dict[str, Any]]:
    """One row a task: gain, p, extra tokens a point, recommendation.

    "use CoT" needs a significant gain under both policies; math, logic and symbol manipulation
    come with the hint that a solver does better where a plan can be executed.
    """
    kept = [cell for cell in cells if cell.direct]
    rows = []
    policies: tuple[Policy, ...] = ("wrong", "guess")
    tests = [
        cell_tests(kept, policy=policy, alpha=alpha, resamples=resamples, seed=seed)
        for policy in policies
    ]
    for cell, wrong, guess, position in zip(kept, *tests, positions(kept), strict=True):
        rows.append(
            {
                "task": cell.name,
                "n": wrong["n"],
                "delta_wrong": wrong["delta"],
                "p_wrong": wrong["p"],
                "delta_guess": guess["delta"],
                "p_guess": guess["p"],
                "tokens_per_point": position["tokens_per_point"],
                "unparsed_direct": cell_numbers(cell)["unparsed_direct"],
                "advice": advice(wrong, guess, cell.category),
            }
        )
    return rows


def advice(wrong: dict[str, Any], guess: dict[str, Any], category: str) -> str:
    """What to do with one task."""
    if wrong["significant"] and guess["significant"]:
        if category in TOOL_CATEGORIES:
            return "use CoT; prefer a plan with a tool where one fits"
        return "use CoT"
    if wrong["significant"] != guess["significant"]:
        return "mend the answer format first: the gain depends on how unparseable replies count"
    if guess["delta"] is not None and guess["ci_high"] is not None and guess["ci_high"] < 0:
        return "answer directly: CoT hurts"
    return "answer directly: no gain shown"
