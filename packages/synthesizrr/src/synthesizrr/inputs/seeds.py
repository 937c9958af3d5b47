"""Seeds: the few labelled texts that everything starts from."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from tenpapers.errors import UserError

from ..records import Example, read_rows
from .task import load_task

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SeedSettings:
    """How many seeds are drawn."""

    per_class: Annotated[int | None, typer.Option(help="Seeds of every label.", min=1)] = None
    seed_size: Annotated[int | None, typer.Option(help="All seeds, instead.", min=1)] = None
    task: Annotated[
        str | None, typer.Option(help="Checks the labels; gives the default number.")
    ] = None
    seed: Annotated[int, typer.Option(help="Seed of every random choice.")] = 42


def seeds_of(dataset: Path, settings: SeedSettings) -> list[Example]:
    """A seed set from a folder with `train.jsonl`, or from a JSONL file.

    Raises
    ------
    UserError : no number is given; what `read_rows`, `per_class_of` and `sample_seeds` raise.
    """
    task = load_task(settings.task) if settings.task else None
    labels = list(task.labels) if task else []
    file = dataset / "train.jsonl" if dataset.is_dir() else dataset
    rows = read_rows(file, Example, labels=labels or None)
    per_class = settings.per_class
    if settings.seed_size is not None:
        per_class = per_class_of(settings.seed_size, len(labels or {row.label for row in rows}))
    if per_class is None and task:
        per_class = task.seeds_per_class
    if per_class is None:
        raise UserError("how many seeds?", "--per-class, --seed-size or --task")
    return sample_seeds(rows, per_class, settings.seed, labels=labels)


def sample_seeds(
    examples: Sequence[Example], per_class: int, seed: int = 42, *, labels: Sequence[str] = ()
) -> list[Example]:
    """A balanced sample, drawn without replacement, where the official code draws with it.

    A class with too few examples is drawn with replacement, under new ids, and said so.

    Parameters
    ----------
    labels : that must be there; by default those that occur.

    Raises
    ------
    UserError : a label without any example.
    """
    rng = np.random.default_rng(seed)
    by_label: dict[str, list[Example]] = {label: [] for label in labels}
    for example in examples:
        by_label.setdefault(example.label, []).append(example)
    chosen: list[Example] = []
    for label in sorted(by_label):
        rows = by_label[label]
        if not rows:
            raise UserError(f"per_class {per_class}: no example of label {label!r}")
        if len(rows) < per_class:
            log.warning(
                "label %s: %d examples for %d seeds, so some repeat", label, len(rows), per_class
            )
            more = rng.choice(len(rows), size=per_class - len(rows))
            copies = [
                rows[index].model_copy(update={"id": f"{rows[index].id}#copy{number}"})
                for number, index in enumerate(more.tolist())
            ]
            chosen += [*rows, *copies]
            continue
        drawn = rng.choice(len(rows), size=per_class, replace=False)
        chosen += [rows[index] for index in sorted(drawn.tolist())]
    return chosen


def per_class_of(seed_size: int, n_labels: int) -> int:
    """Seeds a class of a balanced seed set.

    Raises
    ------
    UserError : the size does not divide by the number of labels.
    """
    if seed_size % n_labels:
        raise UserError(f"{seed_size} seeds do not divide by {n_labels} labels")
    return seed_size // n_labels
