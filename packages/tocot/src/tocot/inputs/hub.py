"""Rows of data sets from the hub."""

from collections.abc import Iterator
from typing import Any

from tenpapers.errors import UserError, first_line
from tenpapers.paper import load_paper

from .task_registry import TaskSpec

FIELDS = "id, task, question, choices {label, text}, answer_kind, gold"
HINT = f"pass --data FILE: the set's own rows, or {FIELDS}"


def hub_rows(spec: TaskSpec, split: str = "") -> Iterator[tuple[int, dict[str, Any]]]:
    """Number and fields of each row of a task's data set, at the revision of `paper.yaml`.

    Where the set has one configuration for each subset (`config: "*"`), all are walked, and each
    row gets the name of its own as `subset`.

    Parameters
    ----------
    split : another than the task's.

    Raises
    ------
    UserError : the set is not on the hub or cannot be loaded from there.
    """
    if not spec.hub:
        raise UserError(f"task {spec.name}: is not on the hub and its file is not at hand", HINT)
    try:
        from datasets import get_dataset_config_names, load_dataset
        from datasets.exceptions import DatasetsError
    except ImportError:
        raise UserError(f"task {spec.name}: {spec.hub} needs the extra [hub]", HINT) from None
    number = 0
    pinned = {"revision": load_paper("tocot").revision(spec.hub)}
    try:
        walked = spec.config == "*"
        configs = [spec.config or None]
        if walked:
            configs = get_dataset_config_names(spec.hub, **pinned)
        for config in configs:
            subset = {"subset": config} if walked else {}
            for row in load_dataset(spec.hub, config, split=split or spec.split, **pinned):
                number += 1
                yield number, dict(row) | subset
    except (DatasetsError, OSError, ValueError, RuntimeError) as error:
        first = first_line(error)
        raise UserError(f"task {spec.name}: {spec.hub} cannot be loaded: {first}", HINT) from None
