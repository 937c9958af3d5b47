"""Runs beside each other: one row a run, and what each gained for how many words."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.journal import Journal, key_of
from tenpapers.records import read_json, write_json, write_text
from tenpapers.report import Picture, Table, Value, report_markdown

from ..scoring.evaluate import SUMMARY
from ..scoring.summary import NAMES
from .figures import Point, gain_figure

REPORT, TABLE, FIGURE, RESULTS = "report.md", "table.csv", "figure.png", "results.json"
# What a gain is measured in, the first that all runs have; ROUGE-L against a document says little.
_GAINS = ("alignscore", "likert", "pairwise", "minicheck")


def compare_runs(
    runs: Sequence[Path], out: Path, *, overwrite: bool = False, wait: bool = False
) -> tuple[dict[str, Any], list[str | Table]]:
    """Compare folders of `dcr evaluate`; writes report.md, table.csv, results.json, figure.png.

    Returns
    -------
    What results.json holds, and the report's text and table.

    Raises
    ------
    UserError : a folder without summary.json; `out` holds another comparison.
    """
    files = [run / SUMMARY for run in runs]
    names = _names(runs)
    summaries = {name: _summary(file) for name, file in zip(names, files, strict=True)}
    with Journal(
        out, key=key_of("dcr report", {}), inputs=files, overwrite=overwrite, wait=wait
    ) as journal:
        journal.claim(REPORT, TABLE, RESULTS, FIGURE)
        table = comparison_table(summaries)
        body: list[str | Table | Picture] = [table]
        gain, points = _points(summaries)
        if points:
            body.append(gain_figure(journal.root / FIGURE, points, NAMES[gain]))
        else:
            body.append(
                "No figure: it needs word edits and one metric of factuality (alignscore, likert, "
                "pairwise or minicheck) that all runs have."
            )
        write_text(journal.root / REPORT, report_markdown("Runs", body, journal.root))
        write_text(journal.root / TABLE, table.csv())
        write_json(journal.root / RESULTS, {"runs": summaries})
    said = [item for item in body if not isinstance(item, Picture)]
    return {"runs": summaries}, said


def _names(runs: Sequence[Path]) -> list[str]:
    """Names of folders; where two are the same, their paths."""
    short = [run.resolve().name for run in runs]
    return short if len(set(short)) == len(short) else [str(run) for run in runs]


def _summary(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise UserError(f"{file}: no such file", "`dcr evaluate` writes it")
    found = read_json(file)
    if not isinstance(found, dict) or not {"metrics", "counts", "n"} <= found.keys():
        raise UserError(f"{file}: no summary of `dcr evaluate`")
    return found


def comparison_table(summaries: Mapping[str, Mapping[str, Any]]) -> Table:
    """One row a run: deltas, wins, edits, calls."""
    deltas = [metric for metric in NAMES if any(metric in s["metrics"] for s in summaries.values())]
    columns = ["run", "n", *(f"delta {NAMES[metric]}" for metric in deltas)]
    columns += ["win", "tie", "loss", "ROUGE-L to the response", "word edits", "changed"]
    columns += ["rejected", "unread by the judge", "model calls", "seconds"]
    rows: list[list[Value]] = []
    for name, summary in summaries.items():
        metrics = summary["metrics"]
        pair, edits = metrics.get("pairwise", {}), metrics.get("edits", {})
        answers = summary.get("judge_answers", {})
        row: list[Value] = [name, summary["n"]]
        row += [metrics.get(metric, {}).get("delta") for metric in deltas]
        row += [pair.get(side) for side in ("win", "tie", "loss")]
        row += [metrics.get("rouge", {}).get("between"), edits.get("edits"), edits.get("changed")]
        row += [summary["counts"]["rejected"]]
        row += [answers.get("asked", 0) - answers.get("read", 0)]
        row += [summary["calls"], summary["seconds"]]
        rows.append(row)
    note = (
        "MiniCheck's delta is no evidence for a run that MiniCheck itself gated."
        if "minicheck" in deltas
        else ""
    )
    return Table("Runs", columns, rows, note=note)


def _points(summaries: Mapping[str, Mapping[str, Any]]) -> tuple[str, list[Point]]:
    every = [summary["metrics"] for summary in summaries.values()]
    if not all("edits" in metrics for metrics in every):
        return "", []
    for gain in _GAINS:
        if all(metrics.get(gain, {}).get("delta") is not None for metrics in every):
            return gain, [
                Point(
                    name,
                    summary["metrics"]["edits"]["edits"],
                    summary["metrics"][gain]["delta"],
                    summary["metrics"][gain]["low"],
                    summary["metrics"][gain]["high"],
                )
                for name, summary in summaries.items()
            ]
    return "", []
