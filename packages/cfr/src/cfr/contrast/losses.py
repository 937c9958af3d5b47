"""InfoNCE over a batch of tuples, and which documents of the batch are no negatives of a query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from torch.nn.functional import cross_entropy, normalize

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int64
    from torch import Tensor

Score = Literal["cosine", "dot"]


class Loss(NamedTuple):
    """The mean over the rows of a batch, and the loss of each row, in nats."""

    loss: Float[Tensor, ""]
    per_row: Float[Tensor, " rows"]


def info_nce(
    q: Float[Tensor, "rows dim"],
    d: Float[Tensor, "columns dim"],
    target: Int64[Tensor, " rows"],
    mask: Bool[Tensor, "rows columns"] | None = None,
    temperature: float = 0.05,
    *,
    score: Score = "cosine",
) -> Loss:
    """Contrastive loss of queries against the documents of a batch.

    Row i loses -log(exp(s_ip / t) / sum over unmasked j of exp(s_ij / t)), p being its positive
    and t the temperature.

    Parameters
    ----------
    q, d : vectors of queries and documents, of any length.
    target : column of each row's positive.
    mask : columns that do not count for a row; never its own positive.
    temperature : of the scores.
    score : cosine, as the paper has it; `dot` leaves the vectors their lengths, as Contriever does.

    Raises
    ------
    ValueError : the mask covers a positive, or the temperature is not over 0.
    """
    if not temperature > 0:
        raise ValueError(f"temperature {temperature}: a number over 0 is wanted")
    if score == "cosine":
        q, d = normalize(q, dim=-1), normalize(d, dim=-1)
    logits = q @ d.T / temperature
    if mask is not None:
        if bool(mask.gather(1, target[:, None]).any()):
            raise ValueError("the mask covers a positive")
        logits = logits.masked_fill(mask, float("-inf"))
    per_row = cross_entropy(logits, target, reduction="none")
    return Loss(per_row.mean(), per_row)


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
