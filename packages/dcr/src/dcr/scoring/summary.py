"""What the scores of a run come to: deltas with intervals, wins, effort, and what went wrong."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tenpapers.report import Table, Value, report_markdown

from .deltas import paired_delta
from .settings import Metric

Fields = dict[str, Any]
# How a metric's numbers are headed, with their range.
NAMES = {
    "alignscore": "AlignScore (0 to 1)",
    "likert": "Likert (1 to 5)",
    "pairwise": "pairwise (1 to 5)",
    "minicheck": "MiniCheck, mean P(supported)",
    "rouge": "ROUGE-L against the document",
}
_DELTAS: Mapping[str, str] = {"rouge": "rougeL"}


def summarize(
    rows: Sequence[Mapping[str, Any]], metrics: Sequence[Metric], *, draws: int, seed: int
) -> Fields:
    """Means, deltas and counts over the rows of scores.jsonl; texts of one document are one unit.

    Parameters
    ----------
    draws : of a bootstrap interval.
    """
    units = [row["document"] for row in rows]
    made: Fields = {"n": len(rows), "documents": len(set(units))}
    made["recipes"] = sorted({row["recipe"] for row in rows})
    made["detectors"] = sorted({row["detector"] for row in rows})
    made["counts"] = _counts(rows)
    found: Fields = {}
    for metric in metrics:
        name = _DELTAS.get(metric, metric)
        if metric == "edits":
            found[metric] = _effort(rows)
            continue
        delta = paired_delta(
            [row[f"{name}_original"] for row in rows],
            [row[f"{name}_refined"] for row in rows],
            units=units,
            draws=draws,
            seed=seed,
        )
        found[metric] = delta.row()
        if metric in ("likert", "pairwise"):
            found[metric]["n_unparsed"] = _unread(rows, metric)
        if metric == "pairwise":
            found[metric] |= _wins(rows)
        if metric == "minicheck":
            found[metric] |= _supported(rows)
        if metric == "rouge":
            found[metric]["between"] = _mean([row["rougeL_between"] for row in rows])
    made["metrics"] = found
    made["calls"] = sum(int(row.get("calls") or 0) for row in rows)
    made["seconds"] = sum(sum(row["timings"].values()) for row in rows)
    return made


def _counts(rows: Sequence[Mapping[str, Any]]) -> Fields:
    rejected = Counter(row.get("rejection") or "other" for row in rows if row["rejected"])
    ended = Counter(critique["verdict"] for row in rows for critique in row.get("critiques") or ())
    return {
        "changed": sum(row["refined"] != row["response"] for row in rows),
        "response_ok": sum(bool(row.get("response_ok")) for row in rows),
        "rejected": sum(rejected.values()),
        "rejected_for": dict(sorted(rejected.items())),
        "n_empty": sum(row["scored"] == "empty" for row in rows),
        "n_no_error": sum(row["scored"] == "no_error" for row in rows),
        "critiques": sum(ended.values()),
        "critiques_unparsed": ended["unparsed"],
    }


def _effort(rows: Sequence[Mapping[str, Any]]) -> Fields:
    names = ("edits", "adds", "deletes", "subs", "edit_share", "length_ratio")
    means: Fields = {name: _mean([row[name] for row in rows]) for name in names}
    means["changed"] = _mean([not row["copied"] for row in rows])
    means["copied"] = _mean([row["copied"] for row in rows])
    return means


def _wins(rows: Sequence[Mapping[str, Any]]) -> Fields:
    known = [row["win"] for row in rows if row["win"] is not None]
    shares = {"win": 1, "tie": 0, "loss": -1}
    return {
        "n_pairs": len(known),
        "n_same_text": sum(row["win"] == 0 and row["pairwise_original"] is None for row in rows),
        **{name: _mean([value == side for value in known]) for name, side in shares.items()},
    }


def _supported(rows: Sequence[Mapping[str, Any]]) -> Fields:
    return {
        "supported_original": _mean([row["minicheck_supported_original"] for row in rows]),
        "supported_refined": _mean([row["minicheck_supported_refined"] for row in rows]),
        "n_failed": sum(row["minicheck_supported_refined"] is None for row in rows),
        "independent": all(row["minicheck_independent"] for row in rows),
    }


def _unread(rows: Sequence[Mapping[str, Any]], metric: str) -> int:
    """Rows of which a score could not be read; equal texts were not asked about as pairs."""
    sides = (f"{metric}_original", f"{metric}_refined")
    return sum(
        any(row[side] is None for side in sides) and not (metric == "pairwise" and row["win"] == 0)
        for row in rows
    )


def _mean(values: Sequence[float | bool | None]) -> float | None:
    known = [float(value) for value in values if value is not None]
    return sum(known) / len(known) if known else None


def summary_tables(summary: Mapping[str, Any]) -> list[Table]:
    """The tables of a summary: factuality, wins, effort, and what went wrong."""
    metrics = summary["metrics"]
    tables = [_factuality(metrics)] if metrics.keys() & NAMES.keys() else []
    if "pairwise" in metrics:
        pair = metrics["pairwise"]
        columns = ["win", "tie", "loss", "pairs", "of one text"]
        values = [pair["win"], pair["tie"], pair["loss"], pair["n_pairs"], pair["n_same_text"]]
        tables.append(Table("Shares of pairs", columns, [values]))
    if "edits" in metrics:
        names = {
            "edits": "word edits",
            "adds": "added",
            "deletes": "deleted",
            "subs": "substituted",
            "edit_share": "edits / words",
            "changed": "changed",
            "length_ratio": "length ratio",
        }
        row = [metrics["edits"][name] for name in names]
        tables.append(Table("Effort, means", list(names.values()), [row]))
    counts = summary["counts"]
    columns = ["n", "changed", "supported from the start", "rejected", "empty", "said no error"]
    columns += ["critiques", "unparsed", "model calls", "seconds"]
    row = [summary["n"], counts["changed"], counts["response_ok"], counts["rejected"]]
    row += [counts["n_empty"], counts["n_no_error"]]
    row += [counts["critiques"], counts["critiques_unparsed"], summary["calls"], summary["seconds"]]
    tables.append(Table("Responses", columns, [row]))
    answers = summary.get("judge_answers") or {}
    if answers.get("asked"):
        tables.append(Table("Answers of the judge", list(answers), [list(answers.values())]))
    return tables


def _factuality(metrics: Mapping[str, Any]) -> Table:
    rows: list[list[Value]] = []
    for metric, name in NAMES.items():
        if metric in metrics:
            found = metrics[metric]
            label = name
            if metric == "minicheck" and not found["independent"]:
                label += ", not independent: it gated the refinement"
            values = [found[key] for key in ("original", "refined", "delta", "low", "high", "n")]
            rows.append([label, *values, found.get("n_unparsed", found.get("n_failed", 0))])
    columns = ["metric", "original", "refined", "delta", "low", "high", "n", "unread"]
    note = "low and high: 95% interval of the delta, whole documents drawn."
    return Table("Before and after", columns, rows, note=note)


def summary_markdown(name: str, summary: Mapping[str, Any]) -> str:
    """summary.md."""
    body: list[str | Table] = list(summary_tables(summary))
    aligner = summary.get("aligner")
    if aligner and aligner["kind"] != "AlignScore":
        body.insert(
            0, f"{aligner['name']} stands in for AlignScore; its numbers are not the paper's."
        )
    return report_markdown(f"Scores of {name}", body)
