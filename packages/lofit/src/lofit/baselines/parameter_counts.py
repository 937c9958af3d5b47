"""How many numbers each method trains or adds, from a configuration alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenpapers.models import HeadGeometry

if TYPE_CHECKING:
    from transformers import PreTrainedConfig


def parameter_counts(config: PreTrainedConfig, k: int, *, rank: int = 8) -> dict[str, int]:
    """Trainable numbers of every method on a model.

    Parameters
    ----------
    config : transformers configuration; no weights are needed.
    k : heads that get an offset.
    rank : of LoRA (query and value projections) and LoReFT.
    """
    shape = HeadGeometry.from_config(config)
    query = shape.n_heads * shape.head_dim
    value = shape.n_kv_heads * shape.head_dim
    hidden, layers = shape.hidden_size, shape.n_layers
    return {
        "lofit step 1 (scales)": layers * shape.n_heads * shape.head_dim,
        f"lofit step 2 (K={k})": k * shape.head_dim,
        "lora": layers * rank * ((hidden + query) + (hidden + value)),
        "red": 2 * hidden * layers,
        "reft": layers * (2 * rank * hidden + rank),
    }


def base_parameters(config: PreTrainedConfig) -> int:
    """Numbers of the base model, counted on the meta device."""
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    return sum(parameter.numel() for parameter in model.parameters())
