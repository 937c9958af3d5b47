"""Outputs of one task as a run keeps them: one line a setting and item, appended as they come."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tenpapers.journal import Journal, RowLog, known_by

from ..records import Demos, Output, TaskItem


def open_outputs(journal: Journal, name: str) -> RowLog:
    """Open a file of outputs; requests that failed are asked again, too long ones would fail again.

    Parameters
    ----------
    name : of the file in the run's folder.
    """
    return journal.rows(name, key=_key, failed=_failed)


def close_in_order(log: RowLog, settings: Sequence[str], items: Sequence[TaskItem]) -> None:
    """Close a file of outputs: one setting after the other, in the order of the items."""
    log.close(order=[f"{setting}|{item.id}" for setting in settings for item in items])


def outputs_in(rows: RowLog) -> list[Output]:
    """All outputs of a file, in the order in which they were first asked."""
    return [Output.model_validate(row) for row in rows.rows.values()]


def items_key(
    file: Path | None, items: Mapping[str, tuple[list[TaskItem], Demos]]
) -> dict[str, object] | None:
    """What a journal's key says of items and demonstrations by task, where no file names them.

    Those of the published data or the hub are known by their content.
    """
    if file is not None:
        return None
    content = [
        [[item.model_dump(mode="json") for item in own], _plain(demos)]
        for own, demos in items.values()
    ]
    return known_by(", ".join(items), content)


def _plain(demos: Demos) -> object:
    if isinstance(demos, Mapping):
        return {name: _plain(own) for name, own in demos.items()}
    return [item.model_dump(mode="json") for item in demos]


def _key(row: dict[str, object]) -> str:
    return f"{row['setting']}|{row['id']}"


def _failed(row: dict[str, object]) -> bool:
    return bool(row["errored"]) and row["finish_reason"] != "too_long"
