"""Sets of heads: by threshold, by rank, or as a user writes them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, TypedDict

from tenpapers.errors import UserError

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
    from torch import Tensor

THRESHOLD = 0.1


class Rule(TypedDict, total=False):
    """Which heads are a set, as `head_set` takes it: one of the three."""

    threshold: float | None
    top_k: int | None
    nonzero: bool


class Scored(Protocol):
    """Anything with a mean score of every head, such as `HeadScores`."""

    @property
    def mean(self) -> Float[Tensor, "layers heads"]:
        """Mean score of every head."""
        ...


def _mean_of(scores: Scored | Float[Tensor, "layers heads"]) -> Float[Tensor, "layers heads"]:
    import torch

    return scores if isinstance(scores, torch.Tensor) else scores.mean


def head_set(
    scores: Scored | Float[Tensor, "layers heads"],
    *,
    threshold: float | None = None,
    top_k: int | None = None,
    nonzero: bool = False,
) -> Bool[Tensor, "layers heads"]:
    """Heads at or over a threshold, the k best, or all over 0.

    Parameters
    ----------
    scores : `HeadScores`, or the mean score of every head.
    threshold : used if nothing is given: 0.1 (Wu et al.).

    Raises
    ------
    ValueError : two rules at once, or k larger than L * H.
    """
    import torch

    mean = _mean_of(scores)
    if sum((threshold is not None, top_k is not None, nonzero)) > 1:
        raise ValueError("one of threshold, top_k and nonzero")
    if nonzero:
        return mean > 0
    if top_k is None:
        return mean >= (THRESHOLD if threshold is None else threshold)
    if not 0 <= top_k <= mean.numel():
        raise ValueError(f"top_k {top_k} of {mean.numel()} heads")
    chosen = torch.zeros(mean.shape, dtype=torch.bool)
    for layer, head, _ in ranked(mean)[:top_k]:
        chosen[layer, head] = True
    return chosen


def ranked(scores: Scored | Float[Tensor, "layers heads"]) -> list[tuple[int, int, float]]:
    """(layer, head, score): best first, then lower layer, then lower head; NaN is left out."""
    entries = [
        (layer, head, score)
        for layer, row in enumerate(_mean_of(scores).tolist())
        for head, score in enumerate(row)
        if not math.isnan(score)
    ]
    return sorted(entries, key=lambda entry: (-entry[2], entry[0], entry[1]))


def as_mask(
    heads: Sequence[tuple[int, int]], n_layers: int, n_heads: int
) -> Bool[Tensor, "layers heads"]:
    """A list of (layer, head) as a mask.

    Raises
    ------
    ValueError : a head that the model does not have, or one named twice.
    """
    import torch

    chosen = torch.zeros(n_layers, n_heads, dtype=torch.bool)
    for layer, head in heads:
        if not (0 <= layer < n_layers and 0 <= head < n_heads):
            raise ValueError(f"head {layer}-{head}: the model has {n_layers} x {n_heads} heads")
        if chosen[layer, head]:
            raise ValueError(f"head {layer}-{head} is named twice ({n_layers} x {n_heads} heads)")
        chosen[layer, head] = True
    return chosen


def head_list(text: str) -> list[tuple[int, int]]:
    """Heads written as `18-6,23-2`.

    Raises
    ------
    UserError : another form.
    """
    heads = []
    for part in text.split(","):
        layer, dash, head = part.strip().partition("-")
        if not (dash and layer.isdigit() and head.isdigit()):
            raise UserError(f"{part!r}: not a head", "write layer-head, e.g. 18-6,23-2")
        heads.append((int(layer), int(head)))
    return heads
