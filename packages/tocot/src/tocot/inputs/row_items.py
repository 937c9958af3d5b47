"""What the readers of all data sets share: how a row becomes an item."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..records import LETTERS, Choices, TaskItem
from .task_registry import TaskSpec

Row = Mapping[str, Any]
# "(A) text", up to the next option or the end.
OPTION = re.compile(r"\(([A-J])\)\s*(.*?)\s*(?=\([A-J]\)|\Z)", re.DOTALL)


class SkippedRowError(Exception):
    """A row that the task leaves out."""


def row_item(
    spec: TaskSpec,
    number: int,
    question: str,
    gold: str | list[str],
    *,
    choices: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    name: str | None = None,
    context: str | None = None,
    **meta: object,
) -> TaskItem:
    """The item of a row.

    Parameters
    ----------
    number : of the row; the item's id comes from it where `name` is None.
    choices : texts of the options; `labels` are letters from A on where none are given.
    meta : further fields to keep.
    """
    options = None
    if choices is not None:
        names = tuple(labels) if labels else tuple(LETTERS[: len(choices)])
        options = Choices(label=names, text=tuple(map(str, choices)))
    return TaskItem(
        id=name or f"{spec.name}-{number}",
        task=spec.name,
        question=question.strip(),
        context=context,
        choices=options,
        answer_kind=spec.kind,
        gold=gold,
        meta=meta,
    )
