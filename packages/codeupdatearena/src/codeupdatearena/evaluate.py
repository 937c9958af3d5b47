"""From predictions to reports and metrics: checked first, resumable, flushed as they come."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from tenpapers.errors import UserError
from tenpapers.records import Appender, read_json, read_jsonl, write_json

from .arena import Arena
from .execution import Job, Sandbox
from .known_issues import known_issues
from .metrics import aggregate, check_ks
from .records import Prediction, Report
from .versions import library_versions

Criterion = Literal["official", "strict", "called"]


def read_predictions(path: Path, arena: Arena, *, allow_partial: bool = False) -> list[Prediction]:
    """Read predictions and check them against the arena.

    Raises
    ------
    UserError : an unknown id, a duplicate (method, id, sample), or fewer samples for some instance
        than for the others (unless `allow_partial`).
    """
    predictions = read_jsonl(path, Prediction)
    seen: set[tuple[str, str, int]] = set()
    counts: Counter[tuple[str, str]] = Counter()
    for number, prediction in enumerate(predictions, 1):
        name = prediction.prog_syn_id
        if name not in arena.by_id:
            raise UserError(
                f"{path}:{number}: prediction for an unknown id {name}", "is it the right arena?"
            )
        key = (prediction.method, name, prediction.sample)
        if key in seen:
            raise UserError(f"{path}:{number}: second prediction for {name} sample {key[2]}")
        seen.add(key)
        counts[key[:2]] += 1
    if not allow_partial:
        for method in {prediction.method for prediction in predictions}:
            most = max(count for (m, _), count in counts.items() if m == method)
            for example in arena.examples:
                have = counts[method, example.prog_syn_id]
                if have < most:
                    raise UserError(
                        f"{path}: missing samples: {example.prog_syn_id} has {have} of {most} "
                        f"({method})",
                        "add them or pass --allow-partial",
                    )
    return predictions


def evaluate(
    predictions: Sequence[Prediction],
    arena: Arena,
    sandbox: Sandbox,
    out: Path,
    *,
    settings: dict[str, Any],
    overwrite: bool = False,
) -> list[Report]:
    """Execute predictions, appending each report to `out/reports.jsonl` the moment it exists.

    Reports of an earlier, interrupted run with the same settings are kept and not run again.

    Raises
    ------
    UserError : `out` holds reports that were made with other settings.
    """
    from tqdm import tqdm

    file, marker = out / "reports.jsonl", out / "settings.json"
    done: dict[tuple[str, str, int], Report] = {}
    if file.exists() and not overwrite:
        if marker.exists() and read_json(marker) != settings:
            raise UserError(f"{out}: holds reports of other settings", "pass --overwrite")
        Appender(file).close()
        for report in read_jsonl(file, Report, allow_empty=True):
            done[report.method, report.prog_syn_id, report.sample] = report
    write_json(marker, settings)
    wanted = [(p.method, p.prog_syn_id, p.sample) for p in predictions]
    jobs = [
        Job(arena.by_id[prediction.prog_syn_id], prediction)
        for key, prediction in zip(wanted, predictions, strict=True)
        if key not in done
    ]
    with Appender(file, overwrite=overwrite) as sink:
        for report in tqdm(sandbox.run(jobs), total=len(jobs), desc="executing", unit="sample"):
            sink.write(report)
            done[report.method, report.prog_syn_id, report.sample] = report
    return [done[key] for key in wanted]


def summarise(
    reports: Sequence[Report], ks: Sequence[int], *, exclude_known: bool = False
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
        metrics[method] = aggregate(group, ks)
    return {
        "methods": metrics,
        "known_bad_instances": 0 if exclude_known else len(bad),
        "excluded_instances": len(bad) if exclude_known else 0,
        "versions": library_versions(),
    }
