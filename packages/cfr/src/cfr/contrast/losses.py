"""InfoNCE over a batch of tuples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

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
