"""Batches of tuples of distinct claims, with hard negatives drawn for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .masks import false_negatives, others_columns
from .tuples import TrainingSet, Tuple

if TYPE_CHECKING:
    from jaxtyping import Bool, Int64


@dataclass(frozen=True)
class Batch:
    """What one step trains on; the columns are the positives, then all hard negatives.

    Parameters
    ----------
    rows : number of each query's training row.
    columns : number of each column's document.
    owner : which row of the batch brought a column along.
    """

    rows: Int64[np.ndarray, " rows"]
    columns: Int64[np.ndarray, " columns"]
    owner: Int64[np.ndarray, " columns"]

    def __len__(self) -> int:
        return len(self.rows)


def order_tuples(
    tuples: Sequence[Tuple],
    claims: Int64[np.ndarray, " training_rows"],
    size: int,
    rng: np.random.Generator,
    *,
    distinct_claims: bool = True,
) -> list[list[Tuple]]:
    """Put all tuples of an epoch into batches in which no two are of one claim.

    The k tuples of a claim are spread evenly over the epoch from a random start; one that still
    meets another of its claim waits for the next batch. Subquestions of one claim often cite one
    page, so together they would make false negatives.

    Parameters
    ----------
    distinct_claims : False shuffles alone.
    """
    if not distinct_claims:
        shuffled = [tuples[index] for index in rng.permutation(len(tuples))]
        return [shuffled[start : start + size] for start in range(0, len(shuffled), size)]
    waiting = [tuples[index] for index in _spread([claims[t.row] for t in tuples], rng)]
    batches: list[list[Tuple]] = []
    while waiting:
        batch: list[Tuple] = []
        left: list[Tuple] = []
        taken: set[int] = set()
        for number, candidate in enumerate(waiting):
            if len(batch) == size:
                left += waiting[number:]
                break
            claim = int(claims[candidate.row])
            if claim in taken:
                left.append(candidate)
            else:
                taken.add(claim)
                batch.append(candidate)
        batches.append(batch)
        waiting = left
    return batches


def _spread(claims: Sequence[int], rng: np.random.Generator) -> Int64[np.ndarray, " tuples"]:
    """An order in which the tuples of a claim are evenly far from each other."""
    of_claim: dict[int, list[int]] = {}
    for index in rng.permutation(len(claims)):
        of_claim.setdefault(int(claims[index]), []).append(int(index))
    place = np.empty(len(claims))
    for own in of_claim.values():
        place[own] = (np.arange(len(own)) + rng.random()) / len(own)
    return np.argsort(place, kind="stable")


def draw_negatives(
    hardest_first: Int64[np.ndarray, " pool"], count: int, rng: np.random.Generator
) -> Int64[np.ndarray, " drawn"]:
    """Draw hard negatives without replacement: the hardest half, the others uniformly.

    Parameters
    ----------
    hardest_first : the query's negatives; all of them are taken where there are no more than
        `count`. Of an odd count the larger half are the hardest.
    """
    if len(hardest_first) <= count:
        return hardest_first
    hardest = (count + 1) // 2
    others = rng.choice(hardest_first[hardest:], size=count - hardest, replace=False)
    return np.concatenate([hardest_first[:hardest], others])


def batches_of_epoch(
    data: TrainingSet,
    size: int,
    hard_negatives: int,
    rng: np.random.Generator,
    *,
    distinct_claims: bool = True,
) -> Iterator[Batch]:
    """The batches of one pass over all tuples; every pass draws anew."""
    ordered = order_tuples(data.tuples, data.claims, size, rng, distinct_claims=distinct_claims)
    for tuples in ordered:
        drawn = [draw_negatives(data.negatives[t.row], hard_negatives, rng) for t in tuples]
        own = np.arange(len(tuples))
        yield Batch(
            rows=np.array([t.row for t in tuples], dtype=np.int64),
            columns=np.concatenate([np.array([t.positive for t in tuples]), *drawn]),
            owner=np.concatenate([own, np.repeat(own, [len(some) for some in drawn])]),
        )


def n_batches(
    data: TrainingSet, size: int, rng: np.random.Generator, *, distinct_claims: bool = True
) -> int:
    """How many batches a pass has; one or two more or less where claims have many tuples."""
    return len(order_tuples(data.tuples, data.claims, size, rng, distinct_claims=distinct_claims))


def mask_of(
    batch: Batch,
    data: TrainingSet,
    columns: Int64[np.ndarray, " all_columns"],
    owner: Int64[np.ndarray, " all_columns"],
    *,
    first_column: int = 0,
    first_row: int = 0,
    in_batch: bool = True,
) -> Bool[np.ndarray, "rows all_columns"]:
    """Which columns do not count for each row of a batch.

    Parameters
    ----------
    columns, owner : of the batches of all processes; a column below 0 only fills up.
    first_column, first_row : where this process's own begin among all.
    in_batch : whether documents of other rows are negatives.
    """
    target = first_column + np.arange(len(batch))
    mask = false_negatives(columns, target, [data.positives[row] for row in batch.rows])
    if not in_batch:
        mask |= others_columns(owner, first_row + np.arange(len(batch)))
    return mask
