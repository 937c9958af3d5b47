"""Verdicts on the paper's claims, computed from what the study measured."""

from collections.abc import Mapping, Sequence
from typing import Any

from tenpapers.paper import Paper, Verdict, judged

from ..heads.overlap import Overlap
from ..scoring.significance import Comparison, in_words, outcome, paired_bootstrap, sentence
from .arms import Arm

# Claims that another command measures.
ELSEWHERE = {
    "fewer-numbers": "`lofit baseline lora`, `red` and `reft` train the others",
    "heads-do-not-transfer": "`lofit transfer` measures it",
    "few-examples": "`lofit sweep --over train-size` measures it",
    "plateau": "`lofit sweep --over k` measures it",
    "retention": "`lofit evaluate` on triviaqa, nq and mmlu measures it",
}
# Two tasks use different heads if they share fewer than half of them, and fewer than two trainings
# on one task do: what another seed moves as far is no difference of the tasks.
SAME_HEADS = 0.5


def compared(arms: Sequence[Arm], name: str) -> dict[str, Comparison]:
    """Every run of LoFiT against every run of another arm on the same items, by their seeds."""
    by_name = {arm.name: arm for arm in arms}
    ours, theirs = by_name["LoFiT"], by_name[name]
    sets = [f" against set {seed}" for seed in theirs.seeds] or [""]
    return {
        f"seed {seed}{against}": paired_bootstrap(mine, other)
        for seed, mine in zip(ours.seeds, ours.per_item, strict=True)
        for against, other in zip(sets, theirs.per_item, strict=True)
    }


def sentences(arms: Sequence[Arm]) -> list[str]:
    """Both sentences of the report, from the numbers of one task."""
    return [
        sentence("offsets beat zero-shot", compared(arms, "zero-shot")),
        sentence("learned selection beats random selection", compared(arms, "random heads")),
    ]


def judge(
    paper: Paper, tasks: Mapping[str, Sequence[Arm]], overlap: Overlap | None
) -> list[dict[str, Any]]:
    """Every claim of the paper with its verdict.

    Parameters
    ----------
    tasks : arms of each task that was run.
    overlap : of the heads of two tasks; None if not measured.
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
    """LoFiT above another arm on every task, with every seed."""
    found = {label: compared(arms, other) for label, arms in tasks.items()}
    above = bool(found) and all(outcome(runs) == "shown" for runs in found.values())
    told = "; ".join(f"{label}, {in_words(runs)}" for label, runs in found.items())
    return "shown" if above else "not shown", f"LoFiT against {other}, {told}."


def _different(overlap: Overlap | None) -> tuple[Verdict, str]:
    """Fewer than half of the heads of two tasks are the same, and fewer than of two seeds."""
    if overlap is None:
        return "not testable here", "The heads of one task alone were chosen."
    most = max(overlap.between)
    own = [value for values in overlap.within.values() for value in values]
    different = most < SAME_HEADS and all(most < value for value in own)
    return "shown" if different else "not shown", overlap.sentence()
