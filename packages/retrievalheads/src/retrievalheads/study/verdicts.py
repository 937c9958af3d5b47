"""A verdict on each of the paper's claims, computed from the runs of a study.

Nothing is decided in advance: the same rules on other numbers give other verdicts. What the tasks
and seeds of a study do not agree on is not shown; where the real-trained reference did not learn
its task, its heads are no reference and nothing is concluded from them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Literal, NamedTuple

from tenpapers.paper import Claim, judged, load_paper
from tenpapers.paper import Verdict as PaperVerdict

from ..scoring.metrics import bootstrap_mean
from ..scoring.rank_correlation import WithinGroups, within_groups
from .runs import Cell, StudyRun, alike, cells

Judgement = Literal["shown", "not shown", "opposite", "reference failed"]

# Share of variants that must agree for a claim about all of them.
MOST = 0.5
# p from which a correlation or an overlap counts.
P = 0.05
# Random heads are harmless if they do at most this share of the top heads' damage.
HARMLESS = 0.25
# Random sets of heads that an interval over them needs.
MIN_SETS = 3


class Found(NamedTuple):
    """What the numbers say of a claim; `tested` is False where a part of the study is missing."""

    judgement: Judgement
    numbers: str
    tested: bool = True


@dataclass(frozen=True)
class Verdict:
    """What the numbers say of one claim of `paper.yaml`; `number` is its own there, from 1."""

    claim: Claim
    number: int
    found: Found

    @property
    def title(self) -> str:
        """The claim as the report prints it."""
        sentence = self.claim.sentence.rstrip(".")
        return f"({self.number}) {sentence[0].lower()}{sentence[1:]}"

    def shown(self) -> dict[str, str]:
        """The verdict as `verdicts.json` has it."""
        numbers = self.found.numbers
        return {"claim": self.title, "verdict": self.found.judgement, "numbers": numbers}


def paired_interval(
    first: Sequence[float], other: Sequence[float], *, resamples: int = 1000, seed: int = 0
) -> tuple[float, float, float]:
    """Mean of `first - other` over paired examples, with a 95 % bootstrap interval."""
    if len(first) != len(other):
        return math.nan, math.nan, math.nan
    differences = [a - b for a, b in zip(first, other, strict=True)]
    return bootstrap_mean(differences, resamples=resamples, seed=seed)


def _signed(low: float, high: float) -> Judgement:
    """A verdict from an interval: over 0 is shown, under 0 the opposite."""
    if low > 0:
        return "shown"
    return "opposite" if high < 0 else "not shown"


def reference_failure(real: StudyRun, start: StudyRun, gate: float) -> str:
    """Why a Real-Full is no reference: under the gate, or no better than where it started from."""
    if real.f1 < gate:
        return f"F1 {real.f1:.2f}, {gate:.2f} is wanted"
    mean, low, _ = paired_interval(real.per_example, start.per_example)
    if not low > 0:
        return (
            f"F1 {real.f1:.2f} is no better than {start.f1:.2f} before the training ({mean:+.2f})"
        )
    return ""


def verdicts(
    runs: Sequence[StudyRun],
    knockout: Sequence[dict[str, Any]],
    patches: Sequence[dict[str, Any]],
) -> list[Verdict]:
    """A verdict for each of the paper's five claims, with the numbers that it follows from."""
    here = cells(runs)
    failed = _failed(here)
    found = {
        "synthetic-lags-real": failed or _agreed([(cell.name, _lag(cell)) for cell in here]),
        "fewer-and-shared-heads": failed or _agreed([(cell.name, _overlap(cell)) for cell in here]),
        "recall-follows-score": failed or _correlation(runs),
        "heads-matter": _knockout(knockout),
        "patching-helps-in-part": failed or _patched(here, patches),
    }
    known = load_paper("retrievalheads").claims
    return [Verdict(claim, number, found[claim.id]) for number, claim in enumerate(known, 1)]


def claims(found: Sequence[Verdict]) -> list[dict[str, Any]]:
    """The verdicts as `results.json` has them; the opposite of a claim does not show it."""
    told: dict[str, tuple[PaperVerdict, str]] = {}
    for verdict in found:
        judgement, numbers, tested = verdict.found
        short: PaperVerdict = "shown" if judgement == "shown" else "not shown"
        if judgement == "opposite":
            numbers = f"the opposite: {numbers}"
        told[verdict.claim.id] = (short if tested else "not testable here", numbers)
    return judged(load_paper("retrievalheads"), told)


def _failed(here: Sequence[Cell]) -> Found | None:
    told = [f"{c.name}: Real-Full {c.real.failed}" for c in here if c.real and c.real.failed]
    return Found("reference failed", "; ".join(told), tested=False) if told else None


def _agreed(found: Sequence[tuple[str, Found]]) -> Found:
    """The verdict of all tasks and seeds; where they differ, nothing is shown."""
    if not found:
        return Found("not shown", "a run is missing", tested=False)
    judgements = {one.judgement for _, one in found}
    judgement: Judgement = judgements.pop() if len(judgements) == 1 else "not shown"
    numbers = "; ".join(f"{name}: {one.numbers}" for name, one in found)
    return Found(judgement, numbers, all(one.tested for _, one in found))


def _lag(cell: Cell) -> Found:
    real = cell.real
    if not cell.synthetic or real is None:
        return Found("not shown", "a run is missing", tested=False)
    best = max(cell.synthetic, key=lambda run: run.f1)
    mean, low, high = paired_interval(real.per_example, best.per_example)
    text = (
        f"Real-Full {real.f1:.2f}, best synthetic ({best.name}) {best.f1:.2f}, difference "
        f"{mean:+.2f} ({low:+.2f} to {high:+.2f})"
    )
    return Found(_signed(low, high), text)


def _overlap(cell: Cell) -> Found:
    real = cell.real
    known = [run for run in cell.synthetic if run.count is not None and run.precision is not None]
    if not known or real is None or not real.count:
        tested = bool(cell.synthetic) and real is not None
        return Found("not shown", "no head passes the threshold", tested)
    inside = fmean((run.precision or 0) >= MOST and _over_chance(run, real) for run in known)
    fewer = fmean((run.count or 0) < real.count for run in known)
    more = fmean((run.count or 0) > real.count for run in known)
    parts = [
        f"{run.name} {run.count}, {run.count_both} of them real (by chance {_by_chance(run, real)})"
        for run in known
    ]
    text = f"Real-Full has {real.count} heads, {', '.join(parts)}"
    if inside > MOST and fewer > MOST:
        return Found("shown", text)
    return Found("opposite" if inside < MOST and more > MOST else "not shown", text)


def _over_chance(run: StudyRun, real: StudyRun) -> bool:
    """Whether as many heads drawn at random would rarely share as many with the real ones."""
    from scipy.stats import hypergeom

    if not run.n_heads:
        return False
    tail = hypergeom.sf((run.count_both or 0) - 1, run.n_heads, real.count or 0, run.count or 0)
    return bool(tail <= P)


def _by_chance(run: StudyRun, real: StudyRun) -> str:
    chance = run.chance
    return "n/a" if chance is None else f"{chance * (real.count or 0):.1f}"


def _correlation(runs: Sequence[StudyRun]) -> Found:
    of, cut = usable_recall(runs)
    found = within(runs, of)
    if math.isnan(found.rho):
        numbers = "recall does not differ between the variants, or is undefined"
        return Found("not shown", numbers, tested=any(len(group) > 1 for group in alike(runs)))
    other = "" if of == "recall" else "recall at 0.1 does not differ; "
    by_seed = {
        cell.name: within([r for r in runs if (r.task, r.seed) == (cell.task, cell.seed)], of).rho
        for cell in cells(runs)
    }
    text = f"{other}heads {cut}: {with_p(found)}"
    if len(by_seed) > 1:
        text += f"; {', '.join(f'{name} {rho:.2f}' for name, rho in by_seed.items())}"
    same_sign = all(rho * found.rho > 0 for rho in by_seed.values())
    if found.p is None or found.p > P or not same_sign:
        return Found("not shown", text)
    return Found("shown" if found.rho > 0 else "opposite", text)


def usable_recall(runs: Sequence[StudyRun]) -> tuple[str, str]:
    """The recall that tells the variants apart, and its cut.

    Heads that score at least 0.1; where all variants have the same of those, heads over 0. Which of
    the two the paper means is not known.
    """
    alike_at_0_1 = math.isnan(within(runs, "recall").rho)
    if alike_at_0_1 and not math.isnan(within(runs, "recall_over_0").rho):
        return "recall_over_0", "> 0"
    return "recall", ">= 0.1"


def within(runs: Sequence[StudyRun], of: str = "recall") -> WithinGroups:
    """Spearman of a recall (or other overlap) and F1 over variants, within task, size and seed."""
    groups = []
    for group in alike(runs):
        known = [run for run in group if getattr(run, of) is not None]
        groups.append(([getattr(run, of) for run in known], [run.f1 for run in known]))
    return within_groups(groups)


def with_p(found: WithinGroups) -> str:
    """A correlation within groups in words."""
    if math.isnan(found.rho):
        return "not defined, it does not differ"
    groups = f" in {found.groups} groups of one size and seed" if found.groups > 1 else ""
    return f"rho = {found.rho:.2f} (permutation p {found.p:.4f}, N = {found.n}{groups})"


def _knockout(rows: Sequence[dict[str, Any]]) -> Found:
    """Damage of the top heads over examples, and of random sets over the sets."""
    name = "per_example_f1" if rows and rows[0]["per_example_f1"] else "per_example_accuracy"
    ks = sorted({row["k"] for row in rows if row["k"] and row["arm"] == "random"})
    if not ks:
        return Found("not shown", "no knockout was run", tested=False)
    k = 10 if 10 in ks else ks[0]
    base = next(row[name] for row in rows if row["k"] == 0)
    top = next(row[name] for row in rows if row["k"] == k and row["arm"] == "top")
    random = [row[name] for row in rows if row["k"] == k and row["arm"] == "random"]
    hurts, low, high = paired_interval(base, top)
    damages = [fmean(base) - fmean(scores) for scores in random]
    mean, least, most = bootstrap_mean(damages)
    text = (
        f"k = {k}, {len(base)} prompts that found no heads: top {-hurts:+.2f} ({-high:+.2f} to "
        f"{-low:+.2f}), {len(random)} random sets {-mean:+.2f} ({-most:+.2f} to {-least:+.2f})"
    )
    if len(random) < MIN_SETS:
        return Found("not shown", text, tested=False)
    if low > 0 and most <= HARMLESS * hurts:
        return Found("shown", text)
    return Found("opposite" if least > max(0.0, high) else "not shown", text)


def _patched(here: Sequence[Cell], patches: Sequence[dict[str, Any]]) -> Found:
    if not patches:
        return Found("not shown", "no patching was run", tested=False)
    of_cell = [
        (cell, [p for p in patches if (p["task"], p["seed"]) == (cell.task, cell.seed)])
        for cell in here
    ]
    return _agreed([(cell.name, _patching(found, cell.real)) for cell, found in of_cell])


def _patching(patches: Sequence[dict[str, Any]], real: StudyRun | None) -> Found:
    helped = hurt = closed = counted = better = 0
    parts = []
    for study in patches:
        original, arm, control = (
            study["arms"][name] for name in ("original", "intersection", "random")
        )
        if arm["f1"] is None:
            continue
        counted += 1
        _, low, high = paired_interval(arm["per_example"], original["per_example"])
        helped += low > 0
        hurt += high < 0
        same = real.per_example[: len(arm["per_example"])] if real is not None else ()
        closed += bool(same) and arm["f1"] >= fmean(same)
        better += paired_interval(arm["per_example"], control["per_example"])[1] > 0
        parts.append(f"{study.get('name', 'target')} {original['f1']:.2f} -> {arm['f1']:.2f}")
    if not counted:
        return Found("not shown", "no target shares a head with the real model")
    text = (
        f"{', '.join(parts)}; helps in {helped} of {counted}, closes the gap in {closed}, and does "
        f"more than as many random heads in {better}"
    )
    # Without the control, any heads' activations of a better model would count.
    if helped > MOST * counted and closed < MOST * counted and better > MOST * counted:
        return Found("shown", text)
    return Found("opposite" if hurt > MOST * counted else "not shown", text)
