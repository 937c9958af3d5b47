"""What the baselines that train a student between rounds need of it: features and gradients."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..inputs.task import Task
from ..inversion.parse import parse
from ..records import Generation, Synthetic, read_rows
from ..students.features import frozen_features

if TYPE_CHECKING:
    from jaxtyping import Float, Int

# ln 0 of the reverse cross-entropy is set to this (Wang et al. 2019).
LOG_ZERO = -4.0


def texts_of(out: Path, task: Task) -> list[Synthetic]:
    """Texts of a file of generations so far, one a generation, repeated ones once.

    Those that the token limit cut are among them: they say what the teacher writes. What becomes
    of them in the data set is said when it is parsed.
    """
    rows = read_rows(out, Generation)
    return parse(rows, task, fewgen=True, deduplicate=True, truncated="keep")[0]


def vectors_of(texts: Sequence[str], encoder: str) -> Float[np.ndarray, "n dim"]:
    """Vectors with a constant last column (the intercept), float64 [N, d + 1]."""
    vectors = frozen_features(encoder)(list(texts)).astype(np.float64)
    return np.hstack([vectors, np.ones((len(vectors), 1))])


def number_within_label(labels: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Which row of its label each row is, from 0; splits made of it hold every label.

    Parameters
    ----------
    labels : int [N]; the result is int64 [N].
    """
    numbers = np.zeros(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        same = np.flatnonzero(labels == label)
        numbers[same] = np.arange(len(same))
    return numbers
