"""Last hidden states of a batch of token sequences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor
    from transformers import PreTrainedModel


def hidden_states(
    model: PreTrainedModel, ids: Sequence[Sequence[int]], *, pad: int
) -> Float[Tensor, "texts tokens dim"]:
    """Read sequences padded on the right to the longest of them; what stands there is no state.

    The mask goes by lengths, so that a sequence may hold the token of padding itself.

    Parameters
    ----------
    pad : the token of padding.
    """
    import torch

    longest = max(map(len, ids))
    padded = torch.full((len(ids), longest), pad)
    mask = torch.zeros(len(ids), longest, dtype=torch.long)
    for row, own in enumerate(ids):
        padded[row, : len(own)] = torch.tensor(own)
        mask[row, : len(own)] = 1
    with torch.inference_mode():
        return model(padded.to(model.device), attention_mask=mask.to(model.device))[0]
