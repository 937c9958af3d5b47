"""Verdicts on the paper's claims, computed from what the study measured."""

from collections.abc import Mapping, Sequence
from typing import Any

from tenpapers.paper import Paper, Verdict, judged

from ..scoring.significance import Comparison, paired_bootstrap, sentence
from .arms import Arm

# Claims that another command measures.
ELSEWHERE = {
    "fewer-numbers": "`lofit baseline lora`, `red` and `reft` train the others",
    "heads-do-not-transfer": "`lofit transfer` measures it",
    "few-examples": "`lofit sweep --over train-size` measures it",
    "plateau": "`lofit sweep --over k` measures it",
    "retention": "`lofit evaluate` on triviaqa, nq and mmlu measures it",
}
# Two tasks use different heads if they share fewer than half of them.
SAME_HEADS = 0.5


def compared(arms: Sequence[Arm], name: str) -> Comparison:
    """LoFiT against another arm on the same items, in points of the headline metric."""
    by_name = {arm.name: arm for arm in arms}
    return paired_bootstrap(by_name["LoFiT"].item_means(), by_name[name].item_means())


def sentences(arms: Sequence[Arm]) -> list[str]:
    """Both sentences of the report, from the numbers of one task."""
    return [
        sentence("offsets beat zero-shot", compared(arms, "zero-shot")),
        sentence("learned selection beats random selection", compared(arms, "random heads")),
    ]


def judge(
    paper: Paper, tasks: Mapping[str, Sequence[Arm]], overlap: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """Every claim of the paper with its verdict.

    Parameters
    ----------
    tasks : arms of each task that was run.
    overlap : Jaccard of the heads of two tasks, beside its chance value; None if not measured.
    """
    verdicts: dict[str, tuple[Verdict, str]] = {
        "offsets-teach-the-task": _better(tasks, "zero-shot"),
        "offsets-beat-learning-free": _better(tasks, "ITI"),
        "learned-selection": _better(tasks, "random heads"),
        "different-heads": _different(overlap),
    }
    for claim, command in ELSEWHERE.items():
        verdicts[claim] = ("not testable here", f"This study does not run it; {command}.")
    return judged(paper, verdicts)


def _better(tasks: Mapping[str, Sequence[Arm]], other: str) -> tuple[Verdict, str]:
    """LoFiT above another arm on every task."""
    found = {label: compared(arms, other) for label, arms in tasks.items()}
    told = "; ".join(
        f"{label}: {gap.difference:+.1f} points (95% interval {gap.low:+.1f} to {gap.high:+.1f})"
        for label, gap in found.items()
    )
    above = bool(found) and all(gap.low > 0 for gap in found.values())
    return "shown" if above else "not shown", f"LoFiT against {other}, {told}."


def _different(overlap: Mapping[str, Any] | None) -> tuple[Verdict, str]:
    """Fewer than half of the heads of two tasks are the same."""
    if overlap is None:
        return "not testable here", "The heads of one task alone were chosen."
    first, second = overlap["tasks"]
    told = (
        f"Heads of {first} and {second}: Jaccard {overlap['jaccard']:.2f}, two random sets would "
        f"have about {overlap['chance']:.2f}."
    )
    return "shown" if overlap["jaccard"] < SAME_HEADS else "not shown", told
