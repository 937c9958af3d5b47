"""Head outputs of many texts: left-padded batches, only what is asked for is kept."""

from collections.abc import Sequence
from typing import Any, Literal

from tenpapers.models import AttentionLayout, HeadCapture


def left_padded(sequences: Sequence[Sequence[int]], device: Any) -> dict[str, Any]:
    """Model inputs of a left-padded batch."""
    import torch

    width = max(map(len, sequences))
    ids = torch.tensor([[0] * (width - len(s)) + list(s) for s in sequences], device=device)
    mask = torch.tensor([[0] * (width - len(s)) + [1] * len(s) for s in sequences], device=device)
    return {"input_ids": ids, "attention_mask": mask} | {
        "position_ids": (mask.cumsum(1) - 1).clamp(min=0)
    }


def batches_by_length(lengths: Sequence[int], size: int) -> list[list[int]]:
    """Places of similar length together, longest first, so that memory is known at once."""
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    return [order[i : i + size] for i in range(0, len(order), size)]


def head_activations(
    model: Any,
    sequences: Sequence[Sequence[int]],
    *,
    layout: AttentionLayout | None = None,
    batch_size: int = 16,
    progress: bool = False,
) -> Any:
    """Every head's output at the last token of each sequence.

    Returns
    -------
    float32 on the CPU, shape (N, n_layers, n_heads, head_dim); kept in half precision on the way
    where the model computes in it.
    """
    import torch
    from tqdm import tqdm

    layout = layout or AttentionLayout.from_model(model)
    made: list[Any] = [None] * len(sequences)
    plan = batches_by_length([len(s) for s in sequences], batch_size)
    with torch.inference_mode(), HeadCapture(layout, positions="last") as capture:
        for places in tqdm(plan, desc="activations", disable=not progress, leave=False):
            model.base_model(
                **left_padded([sequences[i] for i in places], model.device), use_cache=False
            )
            values = capture.stack()[:, 0].cpu()
            capture.clear()
            for place, value in zip(places, values, strict=True):
                made[place] = value
    return torch.stack(made).float()


def collect_head_activations(
    model: Any, tokenizer: Any, texts: Sequence[str], position: Literal["last"] = "last"
) -> Any:
    """Head outputs of texts at their last token, shape (N, n_layers, n_heads, head_dim)."""
    return head_activations(model, [list(tokenizer(text)["input_ids"]) for text in texts])


def layer_states(model: Any, sequences: Sequence[Sequence[int]], *, batch_size: int = 16) -> Any:
    """Residual stream after each layer at the last token, float32, shape (N, n_layers, hidden)."""
    import torch

    from .residual_hooks import LayerCapture

    layout = AttentionLayout.from_model(model)
    made: list[Any] = [None] * len(sequences)
    with torch.inference_mode(), LayerCapture(layout.layers) as capture:
        for places in batches_by_length([len(s) for s in sequences], batch_size):
            model.base_model(
                **left_padded([sequences[i] for i in places], model.device), use_cache=False
            )
            values = torch.stack([state[:, -1] for state in capture.states], 1).float().cpu()
            for place, value in zip(places, values, strict=True):
                made[place] = value
    return torch.stack(made)
