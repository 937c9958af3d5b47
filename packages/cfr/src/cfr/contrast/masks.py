"""Which documents of a batch are no negatives of a query."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Bool, Int64


def false_negatives(
    columns: Int64[np.ndarray, " columns"],
    target: Int64[np.ndarray, " rows"],
    positives: list[Int64[np.ndarray, " own"]],
) -> Bool[np.ndarray, "rows columns"]:
    """Columns that hold a known positive of a row, other than the one the row is about.

    Documents that share a pid or a normalised text have one number (see `tuples.Documents`), so
    that copies of a positive are among them. Contriever's own loss masks none.

    Parameters
    ----------
    columns : number of each column's document; below 0 for a column that only fills up.
    target : column of each row's positive.
    positives : numbers of all known positives of each row's query.

    Returns
    -------
    True where the column does not count for the row.
    """
    seen, place = np.unique(columns, return_inverse=True)
    rows = np.repeat(np.arange(len(target)), [len(own) for own in positives])
    known = np.concatenate([*positives, np.empty(0, dtype=np.int64)]).astype(np.int64)
    at = np.searchsorted(seen, known)
    here = at < len(seen)
    here[here] = seen[at[here]] == known[here]
    table = np.zeros((len(target), len(seen)), dtype=bool)
    table[rows[here], at[here]] = True
    table[np.arange(len(target)), place[target]] = True  # copies of the row's own positive
    table[:, seen < 0] = True
    mask = table[:, place]
    mask[np.arange(len(target)), target] = False
    return mask


def others_columns(
    owner: Int64[np.ndarray, " columns"], rows: Int64[np.ndarray, " rows"]
) -> Bool[np.ndarray, "rows columns"]:
    """Columns that another row brought along: the mask that turns in-batch negatives off.

    Parameters
    ----------
    owner : number of the row that brought a column.
    rows : number of each row.
    """
    return rows[:, None] != owner[None, :]
