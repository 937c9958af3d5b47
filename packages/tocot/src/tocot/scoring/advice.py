"""Where chain of thought pays (the paper's "apply it selectively", made usable)."""

from collections.abc import Sequence
from typing import Any

from .cell_numbers import cell_numbers, positions
from .cell_tests import cell_tests
from .pairs import Cell

TOOL_CATEGORIES = ("math", "symbolic & algorithmic", "logical reasoning")


def advise_cells(
    cells: Sequence[Cell], *, alpha: float = 0.05, seed: int = 0
) -> list[dict[str, Any]]:
    """One row a task: gain, p, extra tokens a point, recommendation.

    "use CoT" needs a significant gain under both policies; math, logic and symbol manipulation
    come with the hint that a solver does better where a plan can be executed.
    """
    kept = [cell for cell in cells if cell.direct]
    rows = []
    by_policy = {
        policy: {
            row["task"]: row for row in cell_tests(kept, policy=policy, alpha=alpha, seed=seed)
        }
        for policy in ("wrong", "guess")
    }  # type: ignore[misc]
    places = {row["task"]: row for row in positions(kept)}
    for cell in kept:
        wrong, guess = (by_policy[policy][cell.name] for policy in ("wrong", "guess"))
        rows.append(
            {
                "task": cell.name,
                "n": wrong["n"],
                "delta_wrong": wrong["delta"],
                "p_wrong": wrong["p"],
                "delta_guess": guess["delta"],
                "p_guess": guess["p"],
                "tokens_per_point": places[cell.name]["tokens_per_point"],
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
