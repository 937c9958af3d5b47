"""Head outputs of many texts: left-padded batches, only what is asked for is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from tenpapers.models import AttentionLayout, HeadCapture
from tenpapers.models.layout import base_model_of

if TYPE_CHECKING:
    import torch
    from jaxtyping import Float
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def left_padded(sequences: Sequence[Sequence[int]], device: torch.device) -> dict[str, Tensor]:
    """Model inputs of a left-padded batch."""
    import torch

    width = max(map(len, sequences))
    ids = torch.tensor([[0] * (width - len(s)) + list(s) for s in sequences], device=device)
    mask = torch.tensor([[0] * (width - len(s)) + [1] * len(s) for s in sequences], device=device)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    return {"input_ids": ids, "attention_mask": mask, "position_ids": positions}


def batches_by_length(lengths: Sequence[int], size: int) -> list[list[int]]:
    """Indices of similar length together, longest first, so that memory is known at once."""
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    return [order[i : i + size] for i in range(0, len(order), size)]


def head_activations(
    model: PreTrainedModel,
    sequences: Sequence[Sequence[int]],
    *,
    layout: AttentionLayout | None = None,
    batch_size: int = 16,
    progress: bool = False,
) -> Float[Tensor, "sequences layers heads head_dim"]:
    """Every head's output at the last token of each sequence.

    Returns
    -------
    float32 on the CPU; kept in half precision on the way where the model computes in it.
    """
    import torch
    from tqdm import tqdm

    layout = layout or AttentionLayout.from_model(model)
    plan = batches_by_length([len(sequence) for sequence in sequences], batch_size)
    activations: dict[int, Tensor] = {}
    with torch.inference_mode(), HeadCapture(layout, positions="last") as capture:
        for indices in tqdm(plan, desc="activations", disable=not progress, leave=False):
            inputs = left_padded([sequences[i] for i in indices], model.device)
            base_model_of(model).get_decoder()(**inputs, use_cache=False)
            last_token = capture.stack()[:, 0].cpu()
            capture.clear()
            activations.update(zip(indices, last_token, strict=True))
    return torch.stack([activations[i] for i in range(len(sequences))]).float()


def collect_head_activations(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str],
    position: Literal["last"] = "last",
) -> Float[Tensor, "texts layers heads head_dim"]:
    """Head outputs of texts at their last token."""
    return head_activations(model, [list(tokenizer(text)["input_ids"]) for text in texts])


def layer_states(
    model: PreTrainedModel, sequences: Sequence[Sequence[int]], *, batch_size: int = 16
) -> Float[Tensor, "sequences layers hidden"]:
    """Residual stream after each layer at the last token, float32 on the CPU."""
    import torch

    from .residual_hooks import LayerCapture

    layout = AttentionLayout.from_model(model)
    states: dict[int, Tensor] = {}
    with torch.inference_mode(), LayerCapture(layout.layers) as capture:
        for indices in batches_by_length([len(sequence) for sequence in sequences], batch_size):
            inputs = left_padded([sequences[i] for i in indices], model.device)
            base_model_of(model).get_decoder()(**inputs, use_cache=False)
            by_layer = [state[:, -1].float().cpu() for state in capture.states]
            last_token = torch.stack(by_layer, 1)
            states.update(zip(indices, last_token, strict=True))
    return torch.stack([states[i] for i in range(len(sequences))])
