"""From the runs of a study to the table, the figure, and a verdict on each claim (section 7).

Every verdict is computed from the numbers; nothing is decided in advance.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field
from tenpapers.errors import UserError
from tenpapers.records import Record, read_json, read_json_lines, read_jsonl, write_json, write_text
from tenpapers.report import Picture, Table, Value, report_markdown

from ..records import SYNTHETIC
from ..scoring.rank_correlation import Correlation, correlate, pooled
from .figures import scatter_figure, study_figure
from .tables import knockout_table, patch_table

REAL = "real-full"
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
    a: Sequence[float], b: Sequence[float], *, resamples: int = 1000, seed: int = 0
) -> tuple[float, float, float]:
    """Mean of a - b over paired examples, with a 95 % bootstrap interval."""
    import numpy as np

    if not a or len(a) != len(b):
        return math.nan, math.nan, math.nan
    difference = np.asarray(a, float) - np.asarray(b, float)
    draw = np.random.default_rng(seed)
    means = difference[draw.integers(len(difference), size=(resamples, len(difference)))].mean(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(difference.mean()), float(low), float(high)


def _signed(low: float, high: float) -> str:
    """A verdict from an interval: over 0 is shown, under 0 the opposite."""
    if low > 0:
        return "shown"
    return "opposite" if high < 0 else "not shown"


def synthetic_runs(runs: Sequence[StudyRun]) -> list[StudyRun]:
    """The synthetic variants, in the order of the paper."""
    return [run for name in SYNTHETIC for run in runs if run.name == name]


def verdicts(
    runs: Sequence[StudyRun],
    knockout: Sequence[dict[str, Any]],
    patches: Sequence[dict[str, Any]],
) -> list[dict[str, str]]:
    """One of "shown", "not shown", "opposite" for each of the paper's five claims, with numbers."""
    synthetic = synthetic_runs(runs)
    real = next((run for run in runs if run.name == REAL), None)
    made = [
        _lag(synthetic, real),
        _overlap(synthetic, real),
        _correlation(synthetic),
        _knockout(knockout),
        _patching(patches, real),
    ]
    return [{"claim": c, "verdict": v, "numbers": text} for c, v, text in made]


Verdict = tuple[str, str, str]


def _lag(synthetic: Sequence[StudyRun], real: StudyRun | None) -> Verdict:
    claim = "(1) training on synthetic data lags training on real data"
    if not synthetic or real is None:
        return claim, "not shown", "a run is missing"
    best = max(synthetic, key=lambda run: run.f1)
    mean, low, high = paired_interval(real.per_example, best.per_example)
    text = (
        f"Real-Full {real.f1:.2f}, best synthetic ({best.name}) {best.f1:.2f}; difference "
        f"{mean:+.2f} ({low:+.2f} to {high:+.2f})"
    )
    return claim, _signed(low, high), text


def _overlap(synthetic: Sequence[StudyRun], real: StudyRun | None) -> Verdict:
    claim = "(2) synthetic heads overlap strongly with the real ones and are fewer"
    known = [run for run in synthetic if run.count is not None and run.precision is not None]
    if not known or real is None or real.count is None:
        return claim, "not shown", "no head passes the threshold"
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
        return claim, "shown", text
    return claim, "opposite" if inside < MOST and more > MOST else "not shown", text


def _correlation(synthetic: Sequence[StudyRun]) -> Verdict:
    claim = "(3) recall of the real heads correlates with the score"
    of, cut = usable_recall(synthetic)
    found = recall_correlation(synthetic, of)
    if math.isnan(found.rho):
        return claim, "not shown", "recall does not differ between the variants, or is undefined"
    other = "" if of == "recall" else "recall at 0.1 does not differ; "
    text = (
        f"{other}heads {cut}: Spearman {_with_p(found)}; with five variants only rho = 1 has "
        f"p < 0.05"
    )
    if found.p is None or found.p > P:
        return claim, "not shown", text
    return claim, "shown" if found.rho > 0 else "opposite", text


def usable_recall(synthetic: Sequence[StudyRun]) -> tuple[str, str]:
    """The recall that tells the variants apart, and its cut.

    Heads that score at least 0.1; where all variants have the same of those, heads over 0. Which of
    the two the paper means is not known (section 3.6).
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


def _with_p(found: Correlation) -> str:
    if math.isnan(found.rho):
        return "not defined, it does not differ"
    p = "n/a" if found.p is None else f"{found.p:.4f}"
    return (
        f"rho = {found.rho:.2f} (exact p {p}, N = {found.n}; bootstrap over test examples "
        f"{found.low:.2f} to {found.high:.2f}; leaving one out {found.without[0]:.2f} to "
        f"{found.without[1]:.2f})"
    )


def _knockout(rows: Sequence[dict[str, Any]]) -> Verdict:
    claim = "(4) switching the heads off hurts, random heads do not"
    name = "per_example_f1" if rows and rows[0]["per_example_f1"] else "per_example_accuracy"
    ks = sorted({row["k"] for row in rows if row["k"] and row["arm"] == "random"})
    if not ks:
        return claim, "not shown", "no knockout was run"
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
    return claim, verdict, text


def _patching(patches: Sequence[dict[str, Any]], real: StudyRun | None) -> Verdict:
    claim = "(5) patching the shared heads from the real model helps but does not close the gap"
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
    if not counted:
        return claim, "not shown", "no target shares a head with the real model"
    text = (
        f"{'; '.join(parts)}; helps in {helped} of {counted}, closes the gap in {closed}, and does "
        f"more than as many random heads in {better}"
    )
    # Without the control, any heads' activations of a better model would count.
    if helped > MOST * counted and closed < MOST * counted and better > MOST * counted:
        return claim, "shown", text
    return claim, "opposite" if hurt > MOST * counted else "not shown", text


def study_table(runs: Sequence[StudyRun]) -> Table:
    """The table of section 7; the paper's F1 only where it is confirmed (two decimals, one run)."""
    order = [
        *SYNTHETIC,
        "real-limited",
        REAL,
        "real-short",
        "mixed",
        "no-lora",
        "base, theta'",
        "base",
    ]
    rows: list[list[Value]] = []
    for name in [*order, *(run.name for run in runs if run.name not in order)]:
        for run in runs:
            if run.name == name:
                rows.append(
                    [
                        run.task,
                        run.name,
                        run.n_train,
                        run.f1,
                        run.count,
                        run.count_over_0,
                        run.recall,
                        run.recall_over_0,
                        run.recall_own,
                        run.jaccard,
                        run.cosine,
                        PAPER.get((run.model, run.task, run.name)),
                    ]
                )
    synthetic = synthetic_runs(runs)
    note = (
        f"F1 on the real test set (n = {runs[0].n_test}); heads on the real dev set at 0.1 "
        f"(`recall > 0`: over 0), `recall, own` on each variant's own dev set. Spearman with F1 "
        f"over the synthetic variants: of recall {_with_p(recall_correlation(synthetic))}; of "
        f"recall > 0 {_with_p(recall_correlation(synthetic, 'recall_over_0'))}; of cosine "
        f"{_with_p(recall_correlation(synthetic, 'cosine'))}."
    )
    columns = [
        "task",
        "trained on",
        "n",
        "F1",
        "heads >= 0.1",
        "heads > 0",
        "recall",
        "recall > 0",
        "recall, own",
        "Jaccard",
        "cosine",
        "paper: F1",
    ]
    return Table("Variants", columns, rows, note)


# Confirmed values of the paper's first version: Real-Full of MDQA with Llama-3-8B-Instruct.
PAPER = {("hf:meta-llama/Meta-Llama-3-8B-Instruct", "mdqa", REAL): 0.83}


def study_body(
    runs: Sequence[StudyRun],
    knockout: dict[str, Any],
    patches: Sequence[dict[str, Any]],
    picture: Path,
    adapters: Sequence[dict[str, Any]] = (),
) -> tuple[list[str | Table | Picture], list[dict[str, str]]]:
    """Table, figure, further tables and verdicts, in reading order.

    Parameters
    ----------
    knockout : of part A's model; `adapters` : of trained adapters.
    """
    trained: list[Any] = next((one["rows"] for one in adapters), [])
    rows = knockout.get("rows") or trained
    found = verdicts(runs, rows, patches)
    body: list[str | Table | Picture] = [study_table(runs)]
    body.append("\n".join(f"- {v['claim']}: **{v['verdict']}**. {v['numbers']}." for v in found))
    of, cut = usable_recall(synthetic_runs(runs))
    rho = recall_correlation(synthetic_runs(runs), of)
    note = "recall does not differ" if math.isnan(rho.rho) else f"rho = {rho.rho:.2f}"
    tasks = ", ".join(dict.fromkeys(run.task for run in runs))
    title = f"Training sets of {tasks} (synthetic: {note})"
    body.append(study_figure([run.model_dump() for run in runs], rows, picture, title, of, cut))
    if knockout.get("rows"):
        body.append(knockout_table(rows, knockout["n"], _title(knockout)))
    for more in [*knockout.get("more", []), *adapters]:
        body.append(knockout_table(more["rows"], more["n"], _title(more)))
    if patches:
        body.append(patch_table(patches))
    return body, found


def _title(knockout: dict[str, Any]) -> str:
    where = f"{knockout['name']}, " if "name" in knockout else ""
    return f"Knockout, {where}{knockout['kind']}/{knockout['scope']}"


def report_folder(folder: Path) -> list[dict[str, str]]:
    """Write `report.md`, `table.csv` and the figure from the runs in a folder."""
    runs = read_jsonl(folder / "runs.jsonl", StudyRun)
    knockout = _kept(folder / "knockout.json", {})
    patches = _kept(folder / "patch.json", [])
    adapters = _kept(folder / "adapters.json", [])
    body, found = study_body(runs, knockout, patches, folder / "study.png", adapters)
    write_text(folder / "report.md", report_markdown("Retrieval heads", body))
    (table, *_) = (item for item in body if isinstance(item, Table))
    write_text(folder / "table.csv", table.csv())
    write_json(folder / "verdicts.json", found)
    return found


def _kept(path: Path, default: Any) -> Any:
    """A JSON file of the study, if that part was run."""
    return read_json(path) if path.exists() else default


def correlate_file(path: Path, x: str, y: str, picture: Path | None) -> dict[str, Any]:
    """Correlate two numbers of the runs in a file, within each task and model and pooled.

    Raises
    ------
    UserError : a line without x or y.
    """
    runs = []
    for number, row in read_json_lines(path):
        for name in (x, y):
            if not isinstance(row, dict) or not isinstance(row.get(name), int | float | None):
                raise UserError(f"{path}:{number}: {name}: a number is wanted")
            if name not in row:
                raise UserError(f"{path}:{number}: missing field {name!r}")
        runs.append(row)
    if not runs:
        raise UserError(f"{path}: no runs in it")
    known = [run for run in runs if run[x] is not None and run[y] is not None]
    groups: dict[tuple[Any, Any], list[dict[str, Any]]] = {}
    for run in known:
        groups.setdefault((run.get("task"), run.get("model")), []).append(run)
    found = correlate(
        [run[x] for run in known],
        [run[y] for run in known],
        [run.get("per_example") or () for run in known],
    )
    rho, p, n = pooled([([r[x] for r in g], [r[y] for r in g]) for g in groups.values()])
    text = f"{y} over {x}: Spearman {_with_p(found)}"
    if len(groups) > 1:
        text += (
            f"\npooled, each of {len(groups)} tasks and models centred: rho = {rho:.2f}, N = {n}"
        )
    if picture is not None:
        named = [{"name": str(i), **run} for i, run in enumerate(known)]
        text += f"\n-> {scatter_figure(named, x, y, picture).path}"
    return {
        "rho": found.rho,
        "p": found.p,
        "n": found.n,
        "low": found.low,
        "high": found.high,
        "leave_one_out": list(found.without),
        "pooled_rho": rho,
        "pooled_p": p,
        "pooled_n": n,
        "text": text,
    }
