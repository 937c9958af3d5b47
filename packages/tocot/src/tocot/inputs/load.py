"""Task items from local files, from the shared data, or from the hub."""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError
from tenpapers import data
from tenpapers.errors import UserError
from tenpapers.records import first_problem, read_json_lines

from ..records import TaskItem, read_rows
from .hub import hub_rows
from .row_items import Row, SkippedRowError
from .row_readers import Reader, reader_of
from .task_registry import TaskSpec, task_spec


def load_task(
    name: str, path: Path | None = None, n: int | None = None, seed: int = 0
) -> list[TaskItem]:
    """Items of a task, shuffled by a seed.

    Parameters
    ----------
    path : JSONL of TaskItem records, or of the data set's own fields; None takes the shared data,
        else the hub.
    n : the first n after shuffling.

    Raises
    ------
    UserError : unknown task, missing fields, no access to the hub, a gold answer that is not among
        the labels.
    """
    spec = task_spec(name)
    items = _from_file(spec, path) if path is not None else _anywhere(spec)
    for item in items:
        _check(item)
    order = np.random.default_rng(seed).permutation(len(items))
    return [items[index] for index in order[: n or None].tolist()]


def _check(item: TaskItem) -> None:
    if item.answer_kind not in ("letter", "text_choice", "bool3"):
        return
    if item.choices is None:
        raise UserError(f"{item.task} {item.id}: no choices, but a {item.answer_kind} is wanted")
    known = item.choices.label if item.answer_kind == "letter" else item.choices.text
    if item.gold not in known:
        raise UserError(f"{item.task} {item.id}: gold {item.gold!r} is not among {list(known)}")


def _anywhere(spec: TaskSpec) -> list[TaskItem]:
    if spec.is_own and not spec.file:
        raise UserError(f"{spec.name}: no field `file`", "or --data FILE")
    file = Path(spec.file) if spec.is_own else local_file(spec)
    if file is not None:
        return _from_file(spec, file)
    return read_items(spec, hub_rows(spec), spec.hub)


def local_file(spec: TaskSpec) -> Path | None:
    """The task's file in the shared data, where there is one."""
    folder = data.folder("tocot")
    if folder is not None and spec.file:
        for ending in (".jsonl.gz", ".jsonl"):
            file = folder / "tasks" / f"{spec.file}{ending}"
            if file.exists():
                return file
    return None


def _from_file(spec: TaskSpec, path: Path) -> list[TaskItem]:
    first = next((value for _, value in read_json_lines(path)), None)
    if spec.is_own:
        return read_items(spec, read_json_lines(path), str(path), reader=_own_row)
    if isinstance(first, dict) and {"answer_kind", "gold"} <= first.keys():
        return read_rows(path, TaskItem)
    return read_items(spec, read_json_lines(path), str(path))


def _own_row(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    """A row of a user's own task: a question and its gold answer, options where it has some."""
    known = {"id": str(number), "answer_kind": spec.kind}
    return [TaskItem.model_validate(known | dict(row) | {"task": spec.name})]


def read_items(
    spec: TaskSpec, rows: Iterator[tuple[int, Any]], where: str, reader: Reader | None = None
) -> list[TaskItem]:
    """Items of numbered rows; those that the task leaves out are skipped.

    Parameters
    ----------
    reader : of a row; None takes the task's.

    Raises
    ------
    UserError : a row that lacks a field (its number is told), no rows.
    """
    reader = reader or reader_of(spec)
    items: list[TaskItem] = []
    for number, row in rows:
        try:
            items += reader(spec, row, number)
        except SkippedRowError:
            continue
        except ValidationError as error:
            raise UserError(f"{where}:{number}: {first_problem(error)}") from None
        except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
            reason = f"missing field {error}" if isinstance(error, KeyError) else str(error)
            raise UserError(
                f"{where}:{number}: not a row of {spec.name}: {reason}",
                "expected: the data set's own fields, or TaskItem records",
            ) from None
    if not items:
        raise UserError(f"{where}: no records in it")
    return items


def own_items() -> dict[str, Path]:
    """The package's own small questions by task, for a machine without the published data."""
    folder = files("tocot").joinpath("data/mini")
    return {name: Path(str(folder.joinpath(f"{name}.jsonl"))) for name in ("gsm8k", "csqa")}
