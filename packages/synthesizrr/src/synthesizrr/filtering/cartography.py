"""Data maps (Swayamdipta et al. 2020): which rows a student finds easy, and the filter on that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np
from tenpapers.errors import UserError

from ..records import Labelled
from ..students.classifiers import Classifier, StudentSpec, fit

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

Scope = Literal["label", "overall"]
RowT = TypeVar("RowT", bound=Labelled)
VALUES = ("confidence", "variability", "correctness")
# Share of every label that the paper keeps.
KEEP = 0.83
EPOCHS = 6


@dataclass(frozen=True)
class Filter:
    """A condition on one value of the map.

    Parameters
    ----------
    value : "confidence", "variability" or "correctness".
    top, bottom : share of the rows that is kept, the highest or the lowest values.
    low, high : closed range that is kept instead.
    scope : a share acts within each label, or over all rows.
    """

    value: str
    top: float | None = None
    bottom: float | None = None
    low: float | None = None
    high: float | None = None
    scope: Scope = "label"


def cartography(
    probs: Float[np.ndarray, "epochs n labels"], labels: Int[np.ndarray, " n"]
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Confidence, variability and correctness of every row.

    Parameters
    ----------
    probs : float32 [epochs, N, C], after each epoch.
    labels : int64 [N].

    Returns
    -------
    confidence : mean probability of the given label, float64 [N].
    variability : its population standard deviation over the epochs, float64 [N].
    correctness : share of the epochs in which that label was the likeliest, float64 [N].

    Raises
    ------
    UserError : shapes that do not fit.
    """
    if probs.ndim != 3 or probs.shape[1] != len(labels):
        raise UserError(f"probabilities of shape {probs.shape} for {len(labels)} labels")
    numbers = np.asarray(labels)
    given = probs.astype(np.float64)[:, np.arange(len(numbers)), numbers]
    right = probs.argmax(axis=2) == numbers
    return given.mean(axis=0), given.std(axis=0), right.mean(axis=0)


def epoch_probs(
    rows: Sequence[RowT],
    spec: StudentSpec,
    *,
    seed: int = 42,
    epochs: int = EPOCHS,
    text: Callable[[RowT], str] | None = None,
    progress: str | None = None,
) -> tuple[Float[np.ndarray, "epochs n labels"], list[str]]:
    """Train a student on rows and give its probabilities for them after each epoch.

    Parameters
    ----------
    text : what of a row the student reads; its text by default (its document is the other way).

    Returns
    -------
    float32 [epochs, N, C] and the labels, in the order of the last axis.

    Raises
    ------
    UserError : the student recorded another number of epochs.
    """
    texts = [text(row) if text else row.text for row in rows]
    found: list[Float[np.ndarray, "n labels"]] = []
    names = sorted({row.label for row in rows})

    def note(epoch: int, student: Classifier) -> None:
        found.append(student.probs(texts))

    fit(
        texts,
        [row.label for row in rows],
        replace(spec, epochs=epochs),
        seed=seed,
        names=names,
        on_epoch=note,
        progress=progress,
    )
    if len(found) != epochs:
        raise UserError(f"the student recorded {len(found)} epochs, {epochs} are needed")
    return np.stack(found), names


def kept(
    values: Mapping[str, Float[np.ndarray, " n"]],
    labels: Sequence[str],
    filters: Sequence[Filter],
) -> Bool[np.ndarray, " n"]:
    """Rows that fulfil all filters, bool [N].

    The top share is what reaches the quantile of the rest (linear interpolation), ties included.

    Raises
    ------
    UserError : no filter, two on one value, a filter without or with several conditions, an
        unknown value, a share outside 0..1.
    """
    if not filters:
        raise UserError("cartography: no filter", "give at least one")
    named = [condition.value for condition in filters]
    if len(set(named)) != len(named):
        raise UserError(f"cartography: two filters on {max(named, key=named.count)}")
    out = np.ones(len(labels), dtype=bool)
    label_of_row = np.asarray(labels)
    for condition in filters:
        _check(condition)
        column = values[condition.value]
        groups = [label_of_row == name for name in sorted(set(labels))]
        if condition.scope == "overall":
            groups = [np.ones(len(labels), dtype=bool)]
        for group in groups:
            out[group] &= _meets(condition, column[group])
    return out


def _check(condition: Filter) -> None:
    if condition.value not in VALUES:
        raise UserError(f"cartography: {condition.value}: unknown value", ", ".join(VALUES))
    ranged = condition.low is not None or condition.high is not None
    if sum((condition.top is not None, condition.bottom is not None, ranged)) != 1:
        raise UserError(f"cartography: {condition.value}: give top, bottom or a range")
    share = condition.top if condition.top is not None else condition.bottom
    if share is not None and not 0 < share <= 1:
        raise UserError(f"cartography: {condition.value}: share {share} is not within 0 and 1")


def _meets(condition: Filter, column: Float[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
    if condition.top is not None:
        return column >= np.quantile(column, 1 - condition.top)
    if condition.bottom is not None:
        return column <= np.quantile(column, condition.bottom)
    low = -np.inf if condition.low is None else condition.low
    high = np.inf if condition.high is None else condition.high
    return (column >= low) & (column <= high)
