"""From predictions to reports and metrics: checked first, resumable, flushed as they come."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.journal import Journal, RowLog
from tenpapers.records import read_json, write_json
from tenpapers.report import Table, Value
from tenpapers.sandbox import summary_line

from ..execution.executor import Job, Sandbox
from ..execution.function_lookup import check_functions
from ..execution.library_profiles import interpreter, library_versions
from ..inputs.arena import Arena
from ..inputs.known_issues import known_issues
from ..records import Prediction, Report
from .criteria import CRITERIA, Criterion, column
from .metrics import DEFAULT_KS, aggregate, check_ks
from .predictions import read_predictions
from .settings import EvaluateSettings


def evaluate_file(
    path: Path,
    arena: Arena,
    settings: EvaluateSettings,
    journal: Journal,
    *,
    hidden: Path | None = None,
) -> tuple[dict[str, Any], Table]:
    """Execute the predictions of a file and write `reports.jsonl` and `metrics.json` of a run.

    Parameters
    ----------
    hidden : file of the arena, which no program may read.

    Returns
    -------
    The metrics, and the table that shows them.

    Raises
    ------
    UserError : predictions that do not fit the arena, see `read_predictions`; a function that the
        installed library does not have.
    InfrastructureError : the sandbox gave no verdict on some; a second run asks only those.
    """
    journal.claim("reports.jsonl", "metrics.json")
    found = read_predictions(
        path,
        arena,
        allow_partial=settings.allow_partial,
        mapping=settings.map or (),
        extraction=settings,
    )
    predictions = found.predictions
    ks = default_ks(predictions, settings.k)
    python = interpreter(settings.profile)
    made_with = _made_with(path, settings)
    needs = CRITERIA[settings.criterion].needs
    with Sandbox(
        settings.workers,
        settings.timeout,
        settings.memory,
        full_report=settings.full_report,
        called=needs == "called",
        strict=needs == "strict",
        dependence=read_dependence(settings.flags),
        isolation=settings.isolation,
        barriers=settings.barriers,
        keep_output=settings.keep_output,
        path=settings.library,
        hidden=[file for file in (hidden, path) if file],
        preload=not settings.cold,
        python=python,
    ) as sandbox:
        asked = {prediction.prog_syn_id for prediction in predictions if prediction.code.strip()}
        check_functions([arena.by_id[name] for name in asked], sandbox.pool, python)
        with open_reports(journal, "reports.jsonl") as rows:
            reports = evaluate(predictions, arena, sandbox, rows)
        told = sandbox.pool.summary()
    metrics = summarise(reports, ks, exclude_known=settings.exclude_known, seed=settings.seed)
    metrics |= {"failed_answers": len(found.failed), "versions": library_versions(python)}
    metrics |= {"settings": made_with, "sandbox": told}
    write_json(journal.file("metrics.json"), metrics)
    return metrics, table(metrics, ks, settings.criterion)


def _made_with(path: Path, settings: EvaluateSettings) -> dict[str, Any]:
    """What `metrics.json` says of how the reports were made."""
    return {
        "predictions": str(path.resolve()),
        "timeout": settings.timeout,
        "memory_gb": settings.memory,
        "full_report": settings.full_report,
        "criterion": settings.criterion,
        "isolation": settings.isolation,
        "cold": settings.cold,
        "profile": settings.profile,
    }


# What the reports of a run do not depend on: how they are counted.
COUNTING = ("k", "exclude_known", "seed", "allow_partial")


def open_reports(journal: Journal, name: str) -> RowLog:
    """Open a file of reports that grows as they come."""
    return journal.rows(name, key=lambda row: _key(Report.model_validate(row)))


def _key(row: Prediction | Report) -> str:
    return f"{row.method}|{row.prog_syn_id}#{row.sample}"


def evaluate(
    predictions: Sequence[Prediction], arena: Arena, sandbox: Sandbox, rows: RowLog
) -> list[Report]:
    """Execute predictions, appending each report to `rows` the moment it exists.

    Reports of an earlier, interrupted run are kept and not run again.
    """
    from tqdm import tqdm

    jobs = [
        Job(arena.by_id[prediction.prog_syn_id], prediction)
        for prediction in rows.missing(predictions, key=_key)
    ]
    for report in tqdm(sandbox.run(jobs), total=len(jobs), desc="executing", unit="sample"):
        rows.write(report)
    wanted = [_key(prediction) for prediction in predictions]
    rows.close(order=wanted)
    return [Report.model_validate(rows.rows[key]) for key in wanted]


def summarise(
    reports: Sequence[Report], ks: Sequence[int], *, exclude_known: bool = False, seed: int = 42
) -> dict[str, Any]:
    """Make `metrics.json`: one object a method, and what they were measured with.

    Raises
    ------
    UserError : a k above the number of samples.
    """
    known = known_issues()
    bad = {report.prog_syn_id for report in reports} & set(known)
    methods: dict[str, list[Report]] = defaultdict(list)
    for report in reports:
        if not (exclude_known and report.prog_syn_id in known):
            methods[report.method].append(report)
    metrics = {}
    for method, group in methods.items():
        smallest = min(Counter(report.prog_syn_id for report in group).values())
        check_ks([k for k in ks if k > smallest][:1], smallest)
        metrics[method] = aggregate(group, ks, seed=seed)
    return {
        "methods": metrics,
        "known_bad_instances": 0 if exclude_known else len(bad),
        "excluded_instances": len(bad) if exclude_known else 0,
    }


def default_ks(predictions: Sequence[Prediction], ks: Sequence[int] | None) -> list[int]:
    """Take the wanted values of k, or those of 1, 2, 5 that the samples can serve."""
    if ks:
        return sorted(set(ks))
    counts = Counter((p.method, p.prog_syn_id) for p in predictions)
    smallest = min(counts.values())
    return [k for k in DEFAULT_KS if k <= smallest]


def read_dependence(flags: Path | None) -> dict[str, list[bool | None]]:
    """Read the self-dependence of tests from a `flags.json`; nothing without a file.

    Raises
    ------
    UserError : the file was not written by `verify`.
    """
    if flags is None:
        return {}
    value = read_json(flags)
    if not isinstance(value, dict) or not isinstance(value.get("self_dependent"), dict):
        raise UserError(f"{flags}: not written by verify")
    return {name: told for name, told in value["self_dependent"].items() if told is not None}


def table(metrics: dict[str, Any], ks: Sequence[int], criterion: Criterion) -> Table:
    """Make the table that `evaluate` prints."""
    names = [f"pass@{k}" for k in ks] + [column("UPass", k, criterion) for k in ks]
    rows: list[list[Value]] = []
    for method, values in metrics["methods"].items():
        told = values.get(f"UPass@{ks[0]}_interval") if criterion == "official" else None
        interval = f"{told[0]:.1f} to {told[1]:.1f}" if told else None
        numbers = [values[name] for name in names]
        counts = [values[name] for name in ("n_instances", "n_samples", "n_empty")]
        rows.append([method, *counts, *numbers, interval])
    columns = ["method", "instances", "samples", "empty", *names, f"95% of UPass@{ks[0]}"]
    bad = metrics["known_bad_instances"]
    notes = [f"{bad} known-bad instances included (--exclude-known drops them)."] if bad else []
    for method, values in metrics["methods"].items():
        told = [f"{count} {ending}" for ending, count in values["endings"].items()]
        notes += [f"{method}: {', '.join(told)} among the answers."] if told else []
        failed = [f"{count} {status}" for status, count in values["failures"].items()]
        if failed:
            notes.append(f"{method}: failed by {', '.join(failed)} (reports.jsonl says why).")
    if failed := metrics["failed_answers"]:
        notes.append(f"{failed} answers failed and are left out.")
    return Table("", columns, rows, " ".join([*notes, summary_line(metrics["sandbox"])]))
