"""A verdict on each of the paper's claims, computed from the runs of a study.

Nothing is decided in advance: the same rules on other numbers give other verdicts.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from pydantic import ConfigDict, Field
from tenpapers.paper import Claim, judged, load_paper
from tenpapers.paper import Verdict as PaperVerdict
from tenpapers.records import Record

from ..records import SYNTHETIC, Variant
from ..scoring.metrics import bootstrap_mean
from ..scoring.rank_correlation import Correlation, correlate

Judgement = Literal["shown", "not shown", "opposite"]

REAL: Variant = "real-full"
# Share of variants that must agree for a claim about all of them.
MOST = 0.5
# p of the correlation from which it counts; five variants give 0.0167 at rho = 1, 0.083 at 0.9.
P = 0.05


class StudyRun(Record):
    """One adapter of a study; scores are of the real test set, heads of the real dev set."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    task: str
    model: str
    n_train: int
    n_test: int
    f1: float
    per_example: tuple[float, ...] = ()
    count: int | None = None
    count_over_0: int | None = None
    count_both: int | None = None
    recall: float | None = None
    recall_over_0: float | None = None
    precision: float | None = None
    jaccard: float | None = None
    cosine: float | None = None
    recall_own: float | None = None
    seconds: float = Field(default=0.0)


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


def synthetic_runs(runs: Sequence[StudyRun]) -> list[StudyRun]:
    """The synthetic variants, in the order of the paper."""
    return [run for name in SYNTHETIC for run in runs if run.name == name]


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


def verdicts(
    runs: Sequence[StudyRun],
    knockout: Sequence[dict[str, Any]],
    patches: Sequence[dict[str, Any]],
) -> list[Verdict]:
    """One of "shown", "not shown", "opposite" for each of the paper's five claims, with numbers."""
    synthetic = synthetic_runs(runs)
    real = next((run for run in runs if run.name == REAL), None)
    found = {
        "synthetic-lags-real": _lag(synthetic, real),
        "fewer-and-shared-heads": _overlap(synthetic, real),
        "recall-follows-score": _correlation(synthetic),
        "heads-matter": _knockout(knockout),
        "patching-helps-in-part": _patching(patches, real),
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


def _lag(synthetic: Sequence[StudyRun], real: StudyRun | None) -> Found:
    if not synthetic or real is None:
        return Found("not shown", "a run is missing", tested=False)
    best = max(synthetic, key=lambda run: run.f1)
    mean, low, high = paired_interval(real.per_example, best.per_example)
    text = (
        f"Real-Full {real.f1:.2f}, best synthetic ({best.name}) {best.f1:.2f}; difference "
        f"{mean:+.2f} ({low:+.2f} to {high:+.2f})"
    )
    return Found(_signed(low, high), text)


def _overlap(synthetic: Sequence[StudyRun], real: StudyRun | None) -> Found:
    known = [run for run in synthetic if run.count is not None and run.precision is not None]
    if not known or real is None or real.count is None:
        tested = bool(synthetic) and real is not None
        return Found("not shown", "no head passes the threshold", tested)
    inside = sum((run.precision or 0) >= MOST for run in known) / len(known)
    fewer = sum((run.count or 0) < real.count for run in known) / len(known)
    more = sum((run.count or 0) > real.count for run in known) / len(known)
    outside = sum((run.count or 0) - (run.count_both or 0) for run in known)
    text = (
        f"Real-Full has {real.count} heads, the variants "
        f"{', '.join(f'{run.name} {run.count}' for run in known)}; {outside} of these are not "
        f"among the real ones, so no set need be a subset"
    )
    if inside > MOST and fewer > MOST:
        return Found("shown", text)
    opposite = inside < MOST and more > MOST
    return Found("opposite" if opposite else "not shown", text)


def _correlation(synthetic: Sequence[StudyRun]) -> Found:
    of, cut = usable_recall(synthetic)
    found = recall_correlation(synthetic, of)
    if math.isnan(found.rho):
        numbers = "recall does not differ between the variants, or is undefined"
        return Found("not shown", numbers, tested=len(synthetic) > 1)
    other = "" if of == "recall" else "recall at 0.1 does not differ; "
    text = (
        f"{other}heads {cut}: Spearman {with_p(found)}; with five variants only rho = 1 has "
        f"p < 0.05"
    )
    if found.p is None or found.p > P:
        return Found("not shown", text)
    return Found("shown" if found.rho > 0 else "opposite", text)


def usable_recall(synthetic: Sequence[StudyRun]) -> tuple[str, str]:
    """The recall that tells the variants apart, and its cut.

    Heads that score at least 0.1; where all variants have the same of those, heads over 0. Which of
    the two the paper means is not known.
    """
    if math.isnan(recall_correlation(synthetic).rho) and not math.isnan(
        recall_correlation(synthetic, "recall_over_0").rho
    ):
        return "recall_over_0", "> 0"
    return "recall", ">= 0.1"


def recall_correlation(synthetic: Sequence[StudyRun], of: str = "recall") -> Correlation:
    """Spearman of a recall (or of cosine) and F1 over the synthetic variants."""
    known = [run for run in synthetic if getattr(run, of) is not None]
    return correlate(
        [getattr(run, of) for run in known],
        [run.f1 for run in known],
        [run.per_example for run in known],
    )


def with_p(found: Correlation) -> str:
    """A correlation in words, with all that is known of its uncertainty."""
    if math.isnan(found.rho):
        return "not defined, it does not differ"
    p = "n/a" if found.p is None else f"{found.p:.4f}"
    return (
        f"rho = {found.rho:.2f} (exact p {p}, N = {found.n}; bootstrap over test examples "
        f"{found.low:.2f} to {found.high:.2f}; leaving one out {found.without[0]:.2f} to "
        f"{found.without[1]:.2f})"
    )


def _knockout(rows: Sequence[dict[str, Any]]) -> Found:
    name = "per_example_f1" if rows and rows[0]["per_example_f1"] else "per_example_accuracy"
    ks = sorted({row["k"] for row in rows if row["k"] and row["arm"] == "random"})
    if not ks:
        return Found("not shown", "no knockout was run", tested=False)
    k = 10 if 10 in ks else ks[0]
    base = next(row[name] for row in rows if row["k"] == 0)
    top = next(row[name] for row in rows if row["k"] == k and row["arm"] == "top")
    random = [row[name] for row in rows if row["k"] == k and row["arm"] == "random"]
    control = [sum(column) / len(column) for column in zip(*random, strict=True)]
    mean, low, high = paired_interval(control, top)
    hurts = sum(base) / len(base) - sum(top) / len(top)
    harmless = sum(base) / len(base) - sum(control) / len(control)
    text = (
        f"k = {k}: top {-hurts:+.2f}, random {-harmless:+.2f} (mean of {len(random)} seeds); "
        f"random over top {mean:+.2f} ({low:+.2f} to {high:+.2f})"
    )
    verdict = _signed(low, high)
    if verdict == "shown" and harmless > hurts / 2:
        verdict = "not shown"  # random heads hurt half as much or more
    return Found(verdict, text)


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
        closed += real is not None and arm["f1"] >= real.f1
        better += paired_interval(arm["per_example"], control["per_example"])[1] > 0
        parts.append(f"{study.get('name', 'target')} {original['f1']:.2f} -> {arm['f1']:.2f}")
    if not patches:
        return Found("not shown", "no patching was run", tested=False)
    if not counted:
        return Found("not shown", "no target shares a head with the real model")
    text = (
        f"{'; '.join(parts)}; helps in {helped} of {counted}, closes the gap in {closed}, and does "
        f"more than as many random heads in {better}"
    )
    # Without the control, any heads' activations of a better model would count.
    if helped > MOST * counted and closed < MOST * counted and better > MOST * counted:
        return Found("shown", text)
    return Found("opposite" if hurt > MOST * counted else "not shown", text)
