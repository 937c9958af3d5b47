"""Main table, break-downs by package and by update type, and the figure."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.journal import Journal
from tenpapers.paper import load_paper
from tenpapers.records import read_json, read_jsonl
from tenpapers.report import REPORT_FILES, Picture, Table, Value, bars, manifest, write_report

from ..records import Report
from ..scoring.criteria import CRITERIA, column
from ..scoring.metrics import aggregate

PAPER_NOTE = (
    "Paper's value: DeepSeek-Coder-7B-Instruct-v1.5 with the update prepended, 670 examples. "
    "Every other cell of the paper's tables could not be confirmed: n/a."
)


@dataclass(frozen=True)
class Run:
    """One method's evaluated run."""

    method: str
    metrics: dict[str, Any]
    reports: list[Report]
    specificity: dict[str, Any] | None = None


def read_runs(folders: Sequence[Path]) -> list[Run]:
    """Read the folders that `evaluate` (and `specificity`) wrote, one run a method.

    Raises
    ------
    UserError : a folder without `metrics.json`.
    """
    runs = []
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"{folder}: no such run folder")
        metrics = read_json(folder / "metrics.json")
        if not isinstance(metrics, dict) or "methods" not in metrics:
            raise UserError(f"{folder / 'metrics.json'}: not written by evaluate")
        reports: dict[str, list[Report]] = defaultdict(list)
        for report in read_jsonl(folder / "reports.jsonl", Report):
            reports[report.method].append(report)
        file = folder / "specificity.json"
        specificity = read_json(file) if file.exists() else None
        for method, values in metrics["methods"].items():
            runs.append(Run(method, values, reports[method], specificity))
    return runs


def main_table(runs: Sequence[Run], ks: Sequence[int]) -> Table:
    """Arms x {pass@k, UPass@k by criterion, change of SPass@1}, the paper's value beside."""
    names = [f"pass@{k}" for k in ks] + [f"UPass@{k}" for k in ks]
    names += [column("UPass", ks[-1], name) for name in CRITERIA if name != "official"]
    columns = ["method", "n", *names, "SPass@1 change", "paper: pass@1"]
    paper = load_paper("codeupdatearena")
    rows: list[list[Value]] = []
    for run in runs:
        change = (run.specificity or {}).get("change", {}).get("SPass@1")
        values = [run.metrics.get(name) for name in names]
        published = paper.confirmed(f"pass@1/{run.method}")
        rows.append([run.method, run.metrics["n_instances"], *values, change, published])
    return Table("Results (percent)", columns, rows, PAPER_NOTE)


def by_package(report: Report) -> str:
    """Package of the updated function."""
    return report.package or _part(report, 0).partition(".")[0]


def by_type(report: Report) -> str:
    """Type of the update."""
    return report.update_type or _part(report, 1)


def _part(report: Report, number: int) -> str:
    """A part of an id in the paper's form, for reports that do not say more."""
    parts = report.prog_syn_id.strip("[").split("]:[")
    return parts[number] if number < len(parts) - 1 else "unknown"


def by_action_and_place(report: Report) -> str:
    """Action and place of the update."""
    return "-".join(by_type(report).split("-")[:2])


def breakdown(
    runs: Sequence[Run], rule: Callable[[Report], str], title: str, metric: str, ks: Sequence[int]
) -> Table:
    """One metric by group of examples, one column a method."""
    every = {report.prog_syn_id: rule(report) for run in runs for report in run.reports}
    groups = Counter(every.values())
    rows: list[list[Value]] = []
    for group in sorted(groups):
        row: list[Value] = [group, groups[group]]
        for run in runs:
            part = [report for report in run.reports if rule(report) == group]
            row.append(aggregate(part, ks)[metric] if part else None)
        rows.append(row)
    return Table(title, [title.split()[-1], "n", *(run.method for run in runs)], rows)


def figure(runs: Sequence[Run], path: Path, k: int) -> Picture:
    """UPass@k by update type, for prepend and the best fine-tuned arm (all runs if neither)."""
    tuned = [run for run in runs if run.method.startswith("ft-")]
    best = max(tuned, key=lambda run: run.metrics[f"UPass@{k}"] or 0.0, default=None)
    shown = [run for run in runs if run.method == "prepend"] + ([best] if best else [])
    table = breakdown(shown or runs, by_type, "by type", f"UPass@{k}", [k])
    series = {
        name: [_number(row[i + 2]) for row in table.rows]
        for i, name in enumerate(table.columns[2:])
    }
    return bars(
        path,
        [f"{row[0]} ({row[1]})" for row in table.rows],
        series,
        ylabel=f"UPass@{k} (%)",
        title=f"UPass@{k} by update type (number of examples)",
    )


def _number(value: Value) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def compare_runs(folders: Sequence[Path], journal: Journal) -> Table:
    """Write the report of several evaluated runs; gives its main table.

    Raises
    ------
    UserError : see `read_runs` and `shared_ks`.
    """
    began = time.monotonic()
    runs = read_runs(folders)
    journal.claim(*REPORT_FILES)
    body, results = full_report(runs, journal)
    details = manifest({"runs": [str(folder) for folder in folders]}, seed=42, began=began)
    write_report(journal.root, "CodeUpdateArena", body, results=results, manifest=details)
    return main_table(runs, shared_ks(runs))


def full_report(
    runs: Sequence[Run], journal: Journal
) -> tuple[list[Table | Picture], dict[str, Any]]:
    """Make everything `report` shows: tables, figure, and the numbers behind them."""
    ks = shared_ks(runs)
    main = main_table(runs, ks)
    last = f"UPass@{ks[-1]}"
    body: list[Table | Picture] = [
        main,
        breakdown(runs, by_package, f"{last} by package", last, ks[-1:]),
        breakdown(runs, by_type, f"{last} by update type", last, ks[-1:]),
        breakdown(runs, by_action_and_place, f"{last} by action and place", last, ks[-1:]),
        figure(runs, journal.file("upass_by_type.png"), ks[-1]),
    ]
    return body, {run.method: run.metrics for run in runs}


def shared_ks(runs: Sequence[Run]) -> list[int]:
    """Find the values of k that all runs were evaluated with.

    Raises
    ------
    UserError : there is none.
    """
    sets = [{int(name[5:]) for name in run.metrics if name.startswith("pass@")} for run in runs]
    shared = sorted(set.intersection(*sets))
    if not shared:
        raise UserError("the runs have no k in common", "evaluate them with the same -k")
    return shared
