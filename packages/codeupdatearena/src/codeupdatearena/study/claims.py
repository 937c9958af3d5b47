"""The paper's claims, judged by what a run of the study measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tenpapers.paper import Verdict, judged, load_paper

from ..scoring.metrics import bootstrap_interval, by_instance, rates, updates_of
from .likelihood_part import Likelihood
from .likelihood_report import FEWEST_UPDATES, Effect, effect, mean_interval
from .tables import Run, shared_ks

Judgement = tuple[Verdict, str]
# A rate below this is "mostly unsolved", in percent.
HALF = 50.0


@dataclass(frozen=True)
class Measured:
    """What the claims are judged by.

    Parameters
    ----------
    runs : evaluated arms.
    likelihoods : of the references; empty where the study has no such part.
    rate : learning rate at which they are read.
    seed : of the bootstraps.
    """

    runs: Sequence[Run]
    likelihoods: Sequence[Likelihood] = ()
    rate: float = 0.0
    seed: int = 42

    @property
    def solved(self) -> bool:
        """Whether any arm solves anything, so that its samples say something."""
        return any(run.metrics["pass@1"] for run in self.runs)

    def run(self, method: str) -> Run | None:
        """The run of a method, if there is one."""
        return next((run for run in self.runs if run.method == method), None)

    def gap(self, smaller: str, larger: str) -> Effect | None:
        """How much lower the first arm's NLL of calls is."""
        if not self.likelihoods:
            return None
        return effect(self.likelihoods, self.rate, smaller, larger, seed=self.seed)


def claims(measured: Measured) -> list[dict[str, Any]]:
    """Judge every claim of `paper.yaml` -> the `claims` of `results.json`."""
    found = {
        "prepending-falls-short": _mostly_unsolved(measured, ["prepend"]),
        "editing-leaves-room": _mostly_unsolved(measured, ["ft-u", "ft-ps", "ft-ups"]),
        "update-text-alone-teaches-little": _hardly_helps(measured),
        "solved-problems-teach-more": _first_is_better(measured, "ft-ps", "ft-u"),
        "other-updates-teach-too": _first_is_better(measured, "random-ft-ps", "base"),
        "editing-costs-other-abilities": _costs(measured),
        "closed-model-ahead": ("not testable here", "The study asks no closed model."),
    }
    return judged(load_paper("codeupdatearena"), found)


def _mostly_unsolved(measured: Measured, methods: Sequence[str]) -> Judgement:
    """Whether the best of the methods leaves most problems unsolved, by UPass at the largest k."""
    runs = [run for run in measured.runs if run.method in methods]
    if not runs:
        return "not testable here", f"The run has none of {', '.join(methods)}."
    if not measured.solved:
        return "not testable here", "No arm solves any problem, whatever it is shown or taught."
    name = f"UPass@{shared_ks(runs)[-1]}"
    best = max(runs, key=lambda run: run.metrics[name] or 0.0)
    low, high = best.metrics[f"{name}_interval"]
    evidence = (
        f"{best.method}: {name} {best.metrics[name]:.1f}%, 95% interval {low:.1f} to {high:.1f}, "
        f"n = {best.metrics['n_instances']}; shown if all of it is below {HALF:g}%."
    )
    return ("shown" if high < HALF else "not shown"), evidence


def _hardly_helps(measured: Measured) -> Judgement:
    """Whether FT(U), asked without the update's text, cannot be told from the unedited model."""
    first, second = measured.run("ft-u"), measured.run("base")
    if measured.solved and first and second:
        low, evidence = _difference(first, second, measured.seed)
        return ("shown" if low <= 0 else "not shown"), evidence
    gap = measured.gap("ft-u", "base")
    if gap is None or not gap.decides:
        return "not testable here", _why_not(measured, gap)
    return ("shown" if gap.never_below else "not shown"), _proxy(measured, gap)


def _first_is_better(measured: Measured, better: str, worse: str) -> Judgement:
    """Whether the first arm solves more than the second, by samples or else by likelihood."""
    first, second = measured.run(better), measured.run(worse)
    if measured.solved and first and second:
        low, evidence = _difference(first, second, measured.seed)
        return ("shown" if low > 0 else "not shown"), evidence
    gap = measured.gap(better, worse)
    if gap is None or not gap.decides:
        return "not testable here", _why_not(measured, gap)
    return ("shown" if gap.below else "not shown"), _proxy(measured, gap)


def _difference(first: Run, second: Run, seed: int) -> tuple[float, str]:
    """Compare UPass at the largest k, paired by example.

    Returns
    -------
    Lower end of the 95% interval of the difference (points), and the numbers in words.
    """
    k = shared_ks([first, second])[-1]
    ours, theirs = (
        rates(by_instance(run.reports), lambda report: report.exclusive, k)
        for run in (first, second)
    )
    gaps = {name: ours[name] - theirs[name] for name in ours.keys() & theirs.keys()}
    mean = 100 * sum(gaps.values()) / len(gaps)
    updates = updates_of(first.reports)
    low, high = bootstrap_interval(dict(sorted(gaps.items())), updates, seed=seed)
    evidence = (
        f"UPass@{k} of {first.method} minus {second.method}: {mean:+.1f} points, 95% interval "
        f"{low:+.1f} to {high:+.1f}, n = {len(gaps)}."
    )
    return low, evidence


def _costs(measured: Measured) -> Judgement:
    """Whether edited models solve fewer HumanEval tasks than the unedited one."""
    edited = [run for run in measured.runs if run.specificity and run.specificity["by_edit"]]
    if not edited:
        return "not testable here", "The run has no HumanEval tasks for edited models."
    told, verdicts = [], []
    for run in edited:
        assert run.specificity is not None
        base = run.specificity["base"]["SPass@1"]
        changes = [edit["SPass@1"] - base for edit in run.specificity["by_edit"].values()]
        interval = mean_interval(changes, measured.seed)
        change = f"{run.method}: SPass@1 {sum(changes) / len(changes):+.1f} points"
        if interval is not None:
            change += f", 95% interval {interval[0]:+.1f} to {interval[1]:+.1f}"
        told.append(f"{change}, {len(changes)} edits")
        verdicts.append(interval is not None and interval[1] < 0)
    return ("shown" if any(verdicts) else "not shown"), "; ".join(told) + "."


def _why_not(measured: Measured, gap: Effect | None) -> str:
    if gap is not None:
        few = f"fewer than {FEWEST_UPDATES} updates decide nothing"
        return f"{_proxy(measured, gap).removesuffix('.')}; {few}."
    if measured.solved:
        return "The run lacks one of the two arms."
    return "No arm solves any problem, and no likelihoods of both arms were measured."


def _proxy(measured: Measured, gap: Effect) -> str:
    """Say what the likelihoods tell, where no arm solves anything."""
    return (
        "By likelihood alone, as no arm solves a problem: NLL of the calls of the updated "
        f"function at learning rate {measured.rate:g}, {gap.verdict} ({gap.numbers})."
    )
