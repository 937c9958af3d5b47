"""Numbers as tables."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenpapers.paper import Paper
from tenpapers.records import write_text
from tenpapers.report import Picture, Table, Value

from ..inputs.task_registry import TaskSpec
from ..records import Graded
from ..scoring.cell_numbers import cell_numbers
from ..scoring.pairs import Cell, cells
from ..scoring.settings import Policy

if TYPE_CHECKING:
    from pandas import DataFrame


# Sentences, tables and pictures of a report in reading order; what `results.json` will hold.
Body = list[str | Table | Picture]
Results = dict[str, Any]

CELL_COLUMNS = {
    "n": "n",
    "direct": "direct",
    "cot": "CoT",
    "delta": "delta",
    "unparsed_direct": "unparsed direct",
    "unparsed_cot": "unparsed CoT",
}
# Shown where there are any.
APART_COLUMNS = {
    "truncated_direct": "truncated direct",
    "truncated_cot": "truncated CoT",
    "refused_direct": "refused direct",
    "refused_cot": "refused CoT",
    "errored": "errored",
}
GROUP_COLUMNS = {
    "source": "source",
    "group": "group",
    "tasks": "tasks",
    "n": "n",
    "direct": "direct",
    "cot": "CoT",
    "delta_wrong": "delta (wrong)",
    "delta_guess": "delta (guess)",
    "unparsed_direct": "unparsed direct",
    "unparsed_cot": "unparsed CoT",
}


def run_table(rows: Sequence[Graded]) -> Table:
    """What a run shows: pairs of both arms where every task has them, else each setting."""
    found = cells(rows)
    if all(cell.direct for cell in found):
        return cell_table(found, "wrong")
    return setting_table(rows)


def cell_table(found: Sequence[Cell], policy: Policy) -> Table:
    """One row a source and task."""
    numbers = [cell_numbers(cell, policy) for cell in found]
    apart = {
        name: title for name, title in APART_COLUMNS.items() if any(row[name] for row in numbers)
    }
    columns = CELL_COLUMNS | apart
    rows = [
        [cell.name, *(row[name] for name in columns)]
        for cell, row in zip(found, numbers, strict=True)
    ]
    note = f"Unparseable responses: {policy}."
    return Table("Accuracy in percent", ["task", *columns.values()], rows, note)


def setting_table(rows: Sequence[Graded]) -> Table:
    """One row a task and setting, for runs of one arm."""
    groups: dict[tuple[str, str], list[Graded]] = defaultdict(list)
    for row in rows:
        if not row.errored:
            groups[row.task, row.setting].append(row)
    lines: list[list[Value]] = [
        [
            task,
            setting,
            len(own),
            100 * sum(row.correct for row in own) / len(own),
            100 * sum(not row.parsed for row in own) / len(own),
            100 * sum(row.truncated for row in own) / len(own),
            100 * sum(row.refused for row in own) / len(own),
        ]
        for (task, setting), own in groups.items()
    ]
    columns = ["task", "setting", "n", "accuracy", "unparsed", "truncated", "refused"]
    return Table("Accuracy in percent", columns, lines, "Unparseable responses: wrong.")


def group_rows(
    rows: Sequence[Mapping[str, Any]], title: str, tests: Sequence[Mapping[str, Any]] = ()
) -> Table:
    """The paper's group table, both policies side by side.

    Parameters
    ----------
    tests : rows of the paired tests; how many of a group's tasks gain significantly.
    """
    columns = list(GROUP_COLUMNS.values())
    lines = [[row.get(name) for name in GROUP_COLUMNS] for row in rows]
    if tests:
        columns.append("significant tasks")
        for row, line in zip(rows, lines, strict=True):
            own = [
                test
                for test in tests
                if test["group"] == row["group"] and test["task"].startswith(f"{row['source']}/")
            ]
            line.append(sum(bool(test["significant"]) for test in own))
    note = (
        "Unweighted means over the tasks of a group, in percent. Direct and CoT count an "
        "unparseable response as wrong; `guess` gives it what guessing among the item's options "
        "earns."
    )
    return Table(title, columns, lines, note)


def frame_table(frame: "DataFrame", title: str, note: str = "", limit: int | None = None) -> Table:
    """A pandas frame as a table."""
    shown = frame.head(limit) if limit else frame
    rows = shown.to_dict("split")["data"]
    return Table(title, list(map(str, frame.columns)), rows, note)


def mapping_table(rows: Sequence[Mapping[str, Any]], title: str, note: str = "") -> Table:
    """Dicts of the same keys as a table."""
    columns = list(rows[0]) if rows else []
    return Table(title, columns, [[row.get(name) for name in columns] for row in rows], note)


def write_rows(file: Path, rows: Sequence[Mapping[str, Any]], title: str, note: str = "") -> Table:
    """Write dicts of the same keys as CSV; the table that it shows."""
    table = mapping_table(rows, title, note)
    write_text(file, table.csv())
    return table


def plan_settings_table(
    rows: Sequence[Mapping[str, Any]], title: str = "Planning and execution"
) -> Table:
    """Rows of `plan_table`."""
    note = "Unparseable answers are wrong for numbers and count 1/3 for logic."
    return mapping_table(rows, title, note)


def task_table(specs: Sequence[TaskSpec]) -> Table:
    """All tasks, with budgets of new tokens and numbers of demonstrations."""
    rows: list[list[Value]] = [
        [
            spec.name,
            spec.group,
            spec.category,
            spec.kind,
            spec.style,
            *spec.budget,
            spec.shots,
            spec.hub or "-",
        ]
        for spec in specs
    ]
    columns = ["task", "group", "category", "answers", "style", "direct", "CoT", "shots", "hub"]
    return Table("Tasks", columns, rows)


def claim_table(paper: Paper, claims: Sequence[Mapping[str, Any]]) -> Table:
    """The paper's claims, what the study says of each, and on what evidence."""
    sentences = {claim.id: claim.sentence for claim in paper.claims}
    rows = [[sentences[row["id"]], row["verdict"], row["evidence"]] for row in claims]
    return Table("Claims of the paper", ["claim", "verdict", "evidence"], rows)
