"""The tables of the study."""

from collections.abc import Mapping, Sequence
from typing import Any

from tenpapers.report import Table, Value

from .corpora import ANSWERS, ARTICLE, FULL
from .measures import Cell, Runs

# By pool, system and metric.
Cells = Mapping[str, Mapping[str, Mapping[str, Cell]]]

METRICS = ("hit@1", "hit@5", "hit@10", "mrr")
MEANINGS = {
    "B1": "BM25",
    "B2": "Contriever, untuned",
    "B4": "MiniLM, untuned",
    "A1": "tuned: gold evidence",
    "A2": "tuned: teacher's grades",
    "A3": "tuned: equal answers",
    "CFR": "tuned: all three signals",
    "C1": "control: gold of other claims",
    "V0": "no evidence",
    "V1": "people's answers",
}
_NAMES = {"mrr": "MRR"}


def main_table(systems: Sequence[str], cells: Cells, models: Mapping[str, Any], note: str) -> Table:
    """Table 1: every row on both pools of AV-400 and on WiCE, with answers and verdicts."""
    shown = [(FULL, METRICS), (ANSWERS, METRICS), (ARTICLE, ("hit@1", "mrr"))]
    scorers = list(dict.fromkeys(name for one in models.values() for name in one.get("scores", {})))
    columns = ["row", "what"]
    columns += [f"{pool}: {_NAMES.get(m, m)}" for pool, metrics in shown for m in metrics]
    columns += ["MRR from", "to (95 %, AV-400)", "queries"]
    columns += [f"answers: {name}" for name in scorers]
    columns += ["verdicts: accuracy", "macro-F1", "claims"]
    rows: list[list[Value]] = []
    for system in systems:
        row: list[Value] = [system, MEANINGS.get(system, "")]
        for pool, metrics in shown:
            found = cells.get(pool, {}).get(system, {})
            row += [found[metric]["mean"] if metric in found else None for metric in metrics]
        full = cells.get(FULL, {}).get(system, {}).get("mrr", {})
        row += [full.get("low"), full.get("high"), full.get("n")]
        rows.append(row + _read(models.get(system), scorers))
    return Table("Table 1", columns, rows, note)


def _read(found: Mapping[str, Any] | None, scorers: Sequence[str]) -> list[Value]:
    if not found:
        return [None] * (len(scorers) + 3)
    scores: list[Value] = [
        mean(list(found["scores"][name].values())) if name in found["scores"] else None
        for name in scorers
    ]
    verdicts = found["veracity"]
    return [*scores, verdicts["accuracy"], verdicts["macro_f1"], verdicts["n"]]


def pool_table(title: str, systems: Mapping[str, Mapping[str, Cell]], note: str = "") -> Table:
    """One pool: every metric, intervals over claims of the first and the last, spread of seeds."""
    columns = ["row", *(_NAMES.get(m, m) for m in METRICS)]
    columns += ["hit@1 from", "to", "MRR from", "to", "MRR of each seed", "queries"]
    rows: list[list[Value]] = []
    for system, found in systems.items():
        first, last = found["hit@1"], found["mrr"]
        each = last["seeds"] if len(last["seeds"]) > 1 else []
        rows.append(
            [
                system,
                *(found[metric]["mean"] for metric in METRICS),
                *(first["low"], first["high"], last["low"], last["high"]),
                ", ".join(f"{value:.3f}" for value in each if value is not None),
                last["n"],
            ]
        )
    return Table(title, columns, rows, note)


def choice_table(choices: Mapping[str, Mapping[str, Any]]) -> Table:
    """What was tried on held-out training claims, and what was taken."""
    rows: list[list[Value]] = [
        [
            corpus,
            f"{one['rate']:g}",
            one["steps"],
            one["dev_mrr"],
            "taken" if (one["rate"], one["steps"]) == (choice["rate"], choice["steps"]) else "",
        ]
        for corpus, choice in choices.items()
        for one in choice["tried"]
    ]
    return Table(
        "Learning rate and steps",
        ["trained on", "rate", "steps", "MRR, held-out training claims", ""],
        rows,
        "Chosen with the rows of A1 and used for all rows; the test queries chose nothing.",
    )


def difference_table(differences: Mapping[str, Mapping[str, Cell]]) -> Table:
    """Differences of hit@1 on the same queries, with their intervals over claims."""
    rows: list[list[Value]] = [
        [name, pool, cell["mean"], cell["low"], cell["high"], cell["n"]]
        for name, pools in differences.items()
        for pool, cell in pools.items()
    ]
    columns = ["difference", "pool", "hit@1", "95 % from", "to", "queries"]
    return Table("Differences on the same queries", columns, rows)


def rows_table(rows: Mapping[str, Mapping[str, Mapping[str, int]]]) -> Table:
    """What each row of training had to learn from."""
    return Table(
        "Training rows",
        ["corpus", "row", "queries", "positives"],
        [
            [corpus, arm, found["rows"], found["positives"]]
            for corpus, arms in rows.items()
            for arm, found in arms.items()
        ],
    )


def models_table(models: Mapping[str, Mapping[str, Any]]) -> Table:
    """What reader and judge did, by whose passages."""
    rows: list[list[Value]] = []
    for name, found in models.items():
        verdicts = found["veracity"]
        scores = "; ".join(
            f"{scorer} {mean(list(values.values())):.3f}"
            for scorer, values in found["scores"].items()
            if values
        )
        said = ", ".join(f"{label} {count}" for label, count in sorted(found["said"].items()))
        rows.append(
            [
                name,
                MEANINGS.get(name, ""),
                found["questions"],
                found["answered"],
                scores,
                verdicts["n"],
                verdicts["accuracy"],
                verdicts["accuracy_parsed"],
                verdicts["macro_f1"],
                verdicts["parse_failed"],
                said,
                found["failed"],
            ]
        )
    columns = ["passages of", "what", "questions", "answered", "answer scores", "claims"]
    columns += ["accuracy", "unread ones wrong", "macro-F1", "unread", "verdicts", "failed"]
    return Table("Answers and verdicts", columns, rows)


def cells_of(
    runs: Mapping[str, Sequence[Mapping[str, Mapping[str, int]]]], measure: Any
) -> dict[str, dict[str, dict[str, Cell]]]:
    """By pool, system and metric what `measure(runs, metric)` gives."""
    views = list(dict.fromkeys(view for every in runs.values() for one in every for view in one))
    return {
        view: {
            system: {metric: measure(of_view(every, view), metric) for metric in METRICS}
            for system, every in runs.items()
        }
        for view in views
    }


def of_view(runs: Sequence[Mapping[str, Mapping[str, int]]], view: str) -> Runs:
    """Ranks on one pool of each seed."""
    return [one[view] for one in runs]


def mean(values: Sequence[float]) -> float:
    """Of at least one value."""
    return sum(values) / len(values)
