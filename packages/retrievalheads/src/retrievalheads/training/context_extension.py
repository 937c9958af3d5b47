"""Longer contexts by a larger base of the rotary embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenpapers.errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

ANSWER = 64  # tokens of the longest answer


def ntk_theta(theta: float, head_dim: int, scale: float) -> float:
    """NTK-aware base: theta * s^(d / (d - 2)); a scale of at most 1 changes nothing.

    Parameters
    ----------
    theta : base that the model was trained with.
    head_dim : d, width of a head, or of the part of it that is rotated.
    scale : s, wanted context over native context.
    """
    return theta if scale <= 1 else theta * scale ** (head_dim / (head_dim - 2))


def rope_of(config: PreTrainedConfig) -> float:
    """The base in a transformers configuration.

    Raises
    ------
    UserError : the model has no rotary embedding of one base.
    """
    rope = getattr(config, "rope_parameters", None) or {}
    if "rope_theta" not in rope:
        raise UserError(f"{config.model_type}: has no single RoPE base", "pass --rope none")
    return float(rope["rope_theta"])


def rotary_width(config: PreTrainedConfig) -> int:
    """Numbers of a head that are rotated: all of them, or a part (Phi, GPT-NeoX)."""
    from tenpapers.models import HeadGeometry

    rope = getattr(config, "rope_parameters", None) or {}
    part = rope.get("partial_rotary_factor") or getattr(config, "partial_rotary_factor", None)
    return int(HeadGeometry.from_config(config).head_dim * (part or 1.0))


def chosen_theta(
    config: PreTrainedConfig,
    rope: str,
    context: int,
    *,
    native_context: int | None = None,
    native_theta: float | None = None,
) -> float | None:
    """The base that an option asks for: `ntk`, `theta=V`, or `none` (no change, None).

    Parameters
    ----------
    native_context, native_theta : what the model was trained with, where its configuration says
        something else (Mistral v0.1: 8,192 tokens, not 32,768).

    Raises
    ------
    UserError : an option of another form.
    """
    if rope == "none":
        return None
    if rope == "ntk":
        scale = context / (native_context or config.max_position_embeddings)
        return ntk_theta(native_theta or rope_of(config), rotary_width(config), scale)
    name, _, value = rope.partition("=")
    try:
        theta = float(value)
    except ValueError:
        theta = 0.0
    if name != "theta" or theta <= 0:
        raise UserError(f"--rope {rope}: unknown", "ntk, theta=VALUE or none")
    return theta


def extend_context(model: PreTrainedModel, context: int, theta: float | None) -> None:
    """Give a loaded model another base and position limit, and lift a sliding window.

    Parameters
    ----------
    model : transformers causal LM.
    context : tokens it shall read.
    theta : new base; None keeps it.
    """
    config = model.config
    if theta is not None:
        config.rope_parameters = dict(config.rope_parameters) | {"rope_theta": theta}
        for module in model.modules():
            if hasattr(module, "original_inv_freq") and hasattr(module, "inv_freq"):
                fresh = type(module)(config).to(module.get_buffer("inv_freq").device)
                module.inv_freq = fresh.inv_freq
                module.original_inv_freq = fresh.original_inv_freq
    # Prompt and target fit the context; an answer that runs on may be as long as this.
    config.max_position_embeddings = max(context + ANSWER, config.max_position_embeddings)
    # Mistral v0.1's window would hide every needle more than 4,096 tokens away.
    if getattr(config, "sliding_window", None) is not None and config.model_type == "mistral":
        config.sliding_window = None
