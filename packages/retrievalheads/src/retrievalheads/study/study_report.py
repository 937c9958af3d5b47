"""From the runs of a study to the table, the figure and the report."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.journal import Journal
from tenpapers.paper import load_paper
from tenpapers.records import read_json, read_json_lines, read_jsonl, write_json, write_text
from tenpapers.report import Picture, Table, Value, report_markdown

from ..records import SYNTHETIC
from ..scoring.rank_correlation import correlate, pooled
from .figures import scatter_figure, study_figure
from .tables import knockout_table, patch_table
from .verdicts import (
    REAL,
    StudyRun,
    Verdict,
    recall_correlation,
    synthetic_runs,
    usable_recall,
    verdicts,
    with_p,
)


def study_table(runs: Sequence[StudyRun]) -> Table:
    """A row a training set; the paper's F1 only where it is confirmed (two decimals, one run)."""
    paper = load_paper("retrievalheads")
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
                        paper.confirmed(f"f1/{run.task}/{run.name}/{run.model}"),
                    ]
                )
    synthetic = synthetic_runs(runs)
    note = (
        f"F1 on the real test set (n = {runs[0].n_test}); heads on the real dev set at 0.1 "
        f"(`recall > 0`: over 0), `recall, own` on each variant's own dev set. Spearman with F1 "
        f"over the synthetic variants: of recall {with_p(recall_correlation(synthetic))}; of "
        f"recall > 0 {with_p(recall_correlation(synthetic, 'recall_over_0'))}; of cosine "
        f"{with_p(recall_correlation(synthetic, 'cosine'))}."
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


def study_body(
    runs: Sequence[StudyRun],
    knockout: dict[str, Any],
    patches: Sequence[dict[str, Any]],
    picture: Path,
    adapters: Sequence[dict[str, Any]] = (),
) -> tuple[list[str | Table | Picture], list[Verdict]]:
    """Table, figure, further tables and verdicts, in reading order.

    Parameters
    ----------
    knockout : of part A's model; `adapters` : of trained adapters.
    """
    trained: list[dict[str, Any]] = next((adapter["rows"] for adapter in adapters), [])
    rows = knockout.get("rows") or trained
    found = verdicts(runs, rows, patches)
    body: list[str | Table | Picture] = [study_table(runs)]
    lines = [f"- {v.title}: **{v.found.judgement}**. {v.found.numbers}." for v in found]
    body.append("\n".join(lines))
    of, cut = usable_recall(synthetic_runs(runs))
    rho = recall_correlation(synthetic_runs(runs), of)
    note = "recall does not differ" if math.isnan(rho.rho) else f"rho = {rho.rho:.2f}"
    tasks = ", ".join(dict.fromkeys(run.task for run in runs))
    title = f"Training sets of {tasks} (synthetic: {note})"
    drawn = [run.model_dump() for run in runs]
    body.append(study_figure(drawn, rows, picture, title=title, recall=of, cut=cut))
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


def report_folder(journal: Journal) -> list[dict[str, str]]:
    """Write `report.md`, `table.csv` and the figure from the runs in a folder.

    Parameters
    ----------
    journal : of the folder, taken as it is (see `Journal.again`).
    """
    folder = journal.root
    runs = read_jsonl(folder / "runs.jsonl", StudyRun)
    knockout = _kept(folder / "knockout.json", {})
    patches = _kept(folder / "patch.json", [])
    adapters = _kept(folder / "adapters.json", [])
    body, found = study_body(runs, knockout, patches, journal.file("study.png"), adapters)
    write_text(journal.file("report.md"), report_markdown("Retrieval heads", body))
    (table, *_) = (item for item in body if isinstance(item, Table))
    write_text(journal.file("table.csv"), table.csv())
    shown = [verdict.shown() for verdict in found]
    write_json(journal.file("verdicts.json"), shown)
    return shown


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
    text = f"{y} over {x}: Spearman {with_p(found)}"
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
