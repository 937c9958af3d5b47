"""From attended places to retrieval scores: one vectorised comparison."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int
    from torch import Tensor

Score = Literal["mean", "wu-code", "wu-set"]


def hits(
    places: Int[Tensor, "layers heads steps"],
    input_ids: Int[Tensor, " sequence"],
    answer: Int[Tensor, " steps"],
    targets: Sequence[Int[Tensor, " places"]],
    *,
    copy: bool,
) -> Bool[Tensor, "layers heads steps"]:
    """Which heads retrieve at which step.

    Parameters
    ----------
    places : where each head's row attends most; -1 is nowhere.
    input_ids : the whole sequence.
    answer : the tokens that the rows predict.
    targets : of each step, the places that count.
    copy : whether the attended token must also be the one that is written.
    """
    import torch

    allowed = torch.zeros(len(targets), len(input_ids), dtype=torch.bool)
    for step, wanted in enumerate(targets):
        allowed[step, wanted] = True
    index = places.long().clamp(min=0)  # [L, H, T]
    steps = torch.arange(len(targets))
    found = allowed[steps, index] & (places >= 0)
    return found & (input_ids[index] == answer) if copy else found


def score(
    places: Int[Tensor, "layers heads steps"],
    input_ids: Int[Tensor, " sequence"],
    answer: Int[Tensor, " steps"],
    targets: Sequence[Int[Tensor, " places"]],
    *,
    copy: bool = True,
    kind: Score = "mean",
) -> Float[Tensor, "layers heads"] | None:
    """Retrieval score of every head in one example, or None if no step counts.

    `mean` is the share of counting steps that hit, in [0, 1]. `wu-code` adds 1 / needle length at
    every hit, so that repeats count again (values above 1 are possible); `wu-set` counts each
    needle token once.
    """
    import torch

    counting = torch.tensor([len(wanted) > 0 for wanted in targets])
    if not counting.any():
        return None
    found = hits(places, input_ids, answer, targets, copy=copy)
    if kind == "mean":
        values = found[..., counting].float().mean(-1)
    else:
        needle = torch.unique(torch.cat(list(targets)))
        if kind == "wu-code":
            values = found.sum(-1) / len(needle)
        else:
            values = _distinct_tokens(found, answer) / len(torch.unique(input_ids[needle]))
    unread = (places < 0).all(-1)
    return values.float().masked_fill(unread, float("nan"))


def _distinct_tokens(
    found: Bool[Tensor, "layers heads steps"], answer: Int[Tensor, " steps"]
) -> Int[Tensor, "layers heads"]:
    """Number of different tokens that each head copied."""
    import torch

    _, kind = torch.unique(answer, return_inverse=True)
    seen = torch.zeros(*found.shape[:2], int(kind.max()) + 1, dtype=torch.bool)
    for step, place in enumerate(kind.tolist()):
        seen[..., place] |= found[..., step]
    return seen.sum(-1)
