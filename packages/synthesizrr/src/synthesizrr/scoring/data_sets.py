"""Named sets of texts: read from files, and cut so that they can be compared."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from tenpapers.errors import UserError

from ..records import Labelled, TextRow, read_rows
from .label_mix import common_sizes

if TYPE_CHECKING:
    from jaxtyping import Int


@dataclass(frozen=True)
class DataSet:
    """A named set of texts, with labels where there are some."""

    name: str
    rows: Sequence[TextRow]

    @property
    def texts(self) -> list[str]:
        """Texts, in order."""
        return [row.text for row in self.rows]

    @property
    def labels(self) -> list[str | None]:
        """Label of each text."""
        return [row.label for row in self.rows]

    @property
    def labelled(self) -> bool:
        """Whether every row has a label."""
        return all(row.label is not None for row in self.rows)

    @property
    def labelled_rows(self) -> Sequence[Labelled]:
        """The rows of a set that is `labelled`."""
        return cast("Sequence[Labelled]", self.rows)

    def take(self, chosen: Int[np.ndarray, " m"]) -> DataSet:
        """Some rows of it, by their numbers, int64 [n]."""
        return DataSet(self.name, [self.rows[index] for index in chosen.tolist()])


def read_sets(paths: Sequence[Path], limit: int | None = None) -> list[DataSet]:
    """Read files of texts under their names; two files of one name are told apart by their path.

    Raises
    ------
    UserError : a file given twice, what `read_rows` raises.
    """
    if len(set(paths)) != len(paths):
        raise UserError(f"{max(paths, key=paths.count)}: given twice")
    names = [path.name for path in paths]
    return [
        DataSet(
            path.name if names.count(path.name) == 1 else str(path),
            read_rows(path, TextRow, limit=limit),
        )
        for path in paths
    ]


def read_set(path: Path | None) -> DataSet | None:
    """Read one file of texts; None gives None."""
    return None if path is None else read_sets([path])[0]


def equalized(
    sets: Sequence[DataSet], seed: int, n: int | None = None
) -> tuple[list[DataSet], str]:
    """Sets of one size and, where all have the same labels, one label mix; and what was done.

    Self-BLEU, entropies and MAUVE depend on the number of rows, so that sets are only comparable
    at equal N. Rows are drawn by their content: the same rows in another order give the same set.

    Parameters
    ----------
    n : rows of each set at most, in the common mix.
    """
    kinds = [{row.label for row in data.rows} for data in sets]
    if all(data.labelled for data in sets) and all(kind == kinds[0] for kind in kinds):
        label_lists = [[str(label) for label in data.labels] for data in sets]
        how = "equal size and label mix"
    else:
        label_lists = [[""] * len(data.rows) for data in sets]
        how = "equal size; the sets have different labels, so the mix stays"
    sizes = common_sizes(label_lists, n)
    return [
        data.take(_drawn(data, labels, sizes, seed))
        for data, labels in zip(sets, label_lists, strict=True)
    ], how


def _drawn(
    data: DataSet, labels: Sequence[str], sizes: Mapping[str, int], seed: int
) -> Int[np.ndarray, " m"]:
    """So many rows of each label, in an order that the seed and the texts decide, int64 [m]."""
    left = dict(sizes)
    keys = [hashlib.sha256(f"{seed} {text}".encode()).digest() for text in data.texts]
    chosen = []
    for row in sorted(range(len(keys)), key=keys.__getitem__):
        if left.get(labels[row], 0):
            left[labels[row]] -= 1
            chosen.append(row)
    return np.array(chosen, dtype=np.int64)
