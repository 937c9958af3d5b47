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
from ..scoring.rank_correlation import Correlation, correlate, within_groups
from .figures import scatter_figure, study_figure
from .runs import REAL, StudyRun, mean_of, spread_of
from .tables import knockout_table, patch_table
from .verdicts import Verdict, usable_recall, verdicts, with_p, within

# Fields of a run as the table has them, means over the seeds.
COLUMNS = {
    "heads >= 0.1": "count",
    "heads > 0": "count_over_0",
    "recall": "recall",
    "by chance": "chance",
    "recall > 0": "recall_over_0",
    "shared score": "shared",
    "recall, own": "recall_own",
    "Jaccard": "jaccard",
    "cosine": "cosine",
}


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
    order += [run.name for run in runs if run.name not in order]
    groups: dict[tuple[str, str, int], list[StudyRun]] = {}
    for run in sorted(runs, key=lambda run: (order.index(run.name), run.n_train)):
        groups.setdefault((run.task, run.name, run.n_train), []).append(run)
    rows: list[list[Value]] = []
    for (task, name, n_train), same in groups.items():
        means: list[Value] = [mean_of(same, field) for field in COLUMNS.values()]
        recall = list(COLUMNS).index("recall") + 1
        means.insert(recall, spread_of(same, "recall"))
        known = paper.confirmed(f"f1/{task}/{name}/{same[0].model}")
        rows.append(
            [task, name, n_train, mean_of(same, "f1"), spread_of(same, "f1"), *means, known]
        )
    columns = ["task", "trained on", "n", "F1", "F1 spread", *COLUMNS]
    columns.insert(columns.index("recall") + 1, "recall spread")
    return Table("Variants", [*columns, "paper: F1"], rows, _note(runs))


def _note(runs: Sequence[StudyRun]) -> str:
    seeds = len({run.seed for run in runs})
    return (
        f"Means of {seeds} seeds and their spread (largest less smallest). F1 on the real test set "
        f"(n = {runs[0].n_test}); heads on the real dev set at 0.1 (`recall > 0`: over 0), "
        "`by chance`: recall of as many heads drawn at random, `shared score`: share of the real "
        "heads' score, `recall, own` on each variant's own dev set. Spearman with F1 over the "
        f"synthetic variants: of recall {with_p(within(runs))}; of recall > 0 "
        f"{with_p(within(runs, 'recall_over_0'))}; of the shared score "
        f"{with_p(within(runs, 'shared'))}; of cosine {with_p(within(runs, 'cosine'))}."
    )


# Runs are compared with those that have all of these alike; what a file lacks is alike.
GROUPED_BY = ("task", "model", "n_train", "seed")


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
    of, cut = usable_recall(runs)
    rho = within(runs, of)
    note = "recall does not differ"
    if rho.p is not None:
        note = f"rho = {rho.rho:.2f}, p = {rho.p:.2g}"
    tasks = ", ".join(dict.fromkeys(run.task for run in runs))
    title = f"Training sets of {tasks} (synthetic: {note})"
    body.append(study_figure(runs, rows, picture, title=title, recall=of, cut=cut))
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
    """Correlate two numbers of the runs in a file, within each task, model, size and seed.

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
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for run in known:
        groups.setdefault(tuple(run.get(name) for name in GROUPED_BY), []).append(run)
    pairs = [([run[x] for run in group], [run[y] for run in group]) for group in groups.values()]
    alone = correlate(
        [run[x] for run in known],
        [run[y] for run in known],
        [run.get("per_example") or () for run in known],
    )
    together = within_groups(pairs)
    if len(groups) > 1:
        rho, p, n = together.rho, together.p, together.n
        text = (
            f"{y} over {x}: Spearman {with_p(together)}\n"
            f"over all {len(known)} runs, groups mixed: rho = {alone.rho:.2f}"
        )
    else:
        rho, p, n = alone.rho, alone.p, alone.n
        text = f"{y} over {x}: Spearman {in_words(alone)}"
    if picture is not None:
        named = [{"name": str(i), **run} for i, run in enumerate(known)]
        text += f"\n-> {scatter_figure(named, x, y, picture).path}"
    return {
        "rho": rho,
        "p": p,
        "n": n,
        "groups": len(groups),
        "mixed_rho": alone.rho,
        "low": alone.low if len(groups) == 1 else math.nan,
        "high": alone.high if len(groups) == 1 else math.nan,
        "leave_one_out": list(alone.without) if len(groups) == 1 else [],
        "text": text,
    }


def in_words(found: Correlation) -> str:
    """A correlation of one group with all that is known of its uncertainty."""
    if math.isnan(found.rho):
        return "not defined, it does not differ"
    p = "n/a" if found.p is None else f"{found.p:.4f}"
    return (
        f"rho = {found.rho:.2f} (exact p {p}, N = {found.n}; bootstrap over test examples "
        f"{found.low:.2f} to {found.high:.2f}; leaving one out {found.without[0]:.2f} to "
        f"{found.without[1]:.2f})"
    )
