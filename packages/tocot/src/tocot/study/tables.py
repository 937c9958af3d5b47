"""Numbers as tables."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from tenpapers.report import Table

from ..records import Graded
from ..scoring.cell_numbers import cell_numbers
from ..scoring.pairs import Cell


def cell_table(cells: Sequence[Cell], policy: str) -> Table:
    """One row a source and task."""
    rows = []
    for cell in cells:
        one = cell_numbers(cell, policy)  # type: ignore[arg-type]
        rows.append(
            [
                cell.name,
                one["n"],
                one["direct"],
                one["cot"],
                one["delta"],
                one["unparsed_direct"],
                one["unparsed_cot"],
            ]
        )
    columns = ["task", "n", "direct", "CoT", "delta", "unparsed direct", "unparsed CoT"]
    return Table("Accuracy in percent", columns, rows, f"Unparseable responses: {policy}.")


def setting_table(rows: Sequence[Graded]) -> Table:
    """One row a task and setting, for runs of one arm."""
    groups: dict[tuple[str, str], list[Graded]] = defaultdict(list)
    for row in rows:
        if not row.errored:
            groups[row.task, row.setting].append(row)
    lines: list[list[Any]] = [
        [
            task,
            setting,
            len(own),
            100 * sum(one.correct for one in own) / len(own),
            100 * sum(not one.parsed for one in own) / len(own),
        ]
        for (task, setting), own in groups.items()
    ]
    columns = ["task", "setting", "n", "accuracy", "unparsed"]
    return Table("Accuracy in percent", columns, lines, "Unparseable responses: wrong.")


def group_rows(
    rows: Sequence[Mapping[str, Any]], title: str, tests: Sequence[Mapping[str, Any]] = ()
) -> Table:
    """The paper's group table, both policies side by side.

    Parameters
    ----------
    tests : rows of the paired tests; how many of a group's tasks gain significantly.
    """
    columns = [
        "source",
        "group",
        "tasks",
        "n",
        "direct",
        "CoT",
        "delta (wrong)",
        "delta (guess)",
        "unparsed direct",
        "unparsed CoT",
    ]
    names = [
        "source",
        "group",
        "tasks",
        "n",
        "direct",
        "cot",
        "delta_wrong",
        "delta_guess",
        "unparsed_direct",
        "unparsed_cot",
    ]
    cells = [[row.get(name) for name in names] for row in rows]
    if tests:
        columns.append("significant tasks")
        for row, line in zip(rows, cells, strict=True):
            own = [
                one
                for one in tests
                if one["group"] == row["group"] and one["task"].startswith(f"{row['source']}/")
            ]
            line.append(sum(bool(one["significant"]) for one in own))
    note = (
        "Unweighted means over the tasks of a group, in percent. Direct and CoT count an "
        "unparseable response as wrong; `guess` gives it what guessing among the item's options "
        "earns."
    )
    return Table(title, columns, cells, note)


def frame_table(frame: Any, title: str, note: str = "", limit: int | None = None) -> Table:
    """A pandas frame as a table."""
    rows = frame.head(limit).to_dict("split")["data"] if limit else frame.to_dict("split")["data"]
    return Table(title, list(map(str, frame.columns)), rows, note)


def mapping_table(rows: Sequence[Mapping[str, Any]], title: str, note: str = "") -> Table:
    """Dicts of the same keys as a table."""
    columns = list(rows[0]) if rows else []
    return Table(title, columns, [[row.get(name) for name in columns] for row in rows], note)
