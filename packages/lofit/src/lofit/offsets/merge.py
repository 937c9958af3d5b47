"""An adapter in ordinary weights: when it is exact, and how.

The projection is affine in z, so an offset is a constant bias b = W_O v on it, and a scale is
W_O diag(1 + A). The merged model needs no code of ours. It is exact where the offset acts at every
position, nothing but an affine map lies between z and the projection's output, and the runtime
loads the projection's bias; for the rest there is a refusal that says why.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, NamedTuple

from tenpapers.errors import UserError
from tenpapers.models import AttentionLayout

from ..heads.ranking import check_geometry, geometry_fields
from ..records import Via
from .adapter import LofitAdapter

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor
    from transformers import PreTrainedConfig, PreTrainedModel


class Verdict(NamedTuple):
    """Whether a family's merged checkpoint serves an offset in transformers and in vLLM."""

    transformers: bool
    vllm: bool
    how: str


_SWITCH = "attention_bias=true gives the projection a bias"
_VERDICTS = {
    "llama": Verdict(True, True, _SWITCH),
    "gemma2": Verdict(True, True, _SWITCH),
    "gemma3_text": Verdict(True, True, _SWITCH),
    "gemma": Verdict(True, False, f"{_SWITCH}; vLLM has none there: transformers only"),
    "qwen3": Verdict(True, False, f"{_SWITCH}; vLLM has none there: transformers only"),
    "mistral": Verdict(False, False, "no bias in its class: pass --to-llama (then vLLM works too)"),
    "qwen2": Verdict(False, False, "no bias in its class: pass --to-llama (then vLLM works too)"),
    "gpt2": Verdict(True, True, "the projection has a bias"),
    "opt": Verdict(True, True, "the projection has a bias"),
    "phi": Verdict(True, False, "the projection has a bias; not in vLLM: transformers only"),
    "gpt_neox": Verdict(True, True, "the projection has a bias"),
}
_SWITCHED = ("llama", "gemma", "gemma2", "gemma3_text", "qwen3")
_TO_LLAMA = ("mistral", "qwen2")


def mergeability(model_type: str) -> Verdict:
    """What a merge of offsets gives for a family."""
    unknown = Verdict(False, False, "its projection has no bias that a loader would read")
    return _VERDICTS.get(model_type, unknown)


def merge(
    model: PreTrainedModel,
    adapter: LofitAdapter,
    *,
    via: Via = "o_proj",
    to_llama: bool = False,
    all_positions: bool = False,
) -> PreTrainedModel:
    """Make an ordinary model that computes what the hooked one does.

    Parameters
    ----------
    model : the base, without hooks; it is not changed.
    adapter : offsets or scales.
    via : where offsets go: the bias of the output projection, or (softmax rows sum to 1) that of
        the value projection.
    to_llama : turn a Mistral or Qwen2 into a LlamaForCausalLM, which has the bias.
    all_positions : agree that an adapter of last-token scope (ITI) acts at every token instead.

    Returns
    -------
    A transformers model of the same dtype.

    Raises
    ------
    AdapterMismatchError : the model has another shape.
    UserError : the merge would not be exact; says why and what to do.
    """
    layout = AttentionLayout.from_model(model)
    check_geometry("adapter", geometry_fields(adapter.geometry), layout.geometry)
    if adapter.positions == "last" and not all_positions:
        raise UserError(
            f"the {adapter.method} adapter edits the last token only, weights edit every token",
            "pass --all-positions to have it act everywhere (another intervention)",
        )
    if carries_hooks(model):
        raise UserError("the model carries hooks", "take them off before merging")
    if getattr(model, "is_quantized", False):
        raise UserError("the base is quantised", "load it unquantised to merge")
    kind = model.config.model_type
    if to_llama:
        target = _as_llama(model)
    elif adapter.component == "offset" and _needs_switch(kind, via):
        target = _with_attention_bias(model)
    else:
        target = copy.deepcopy(model)
    merged = AttentionLayout.from_model(target)
    if adapter.component == "scale":
        _merge_scales(layout, merged, adapter)
    elif via == "v_proj":
        _merge_into_values(target, adapter)
    else:
        _merge_into_projection(layout, merged, adapter, kind)
    return target.eval()


def carries_hooks(model: PreTrainedModel) -> bool:
    """Whether something edits what the model's modules compute."""
    return any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def _needs_switch(kind: str, via: Via) -> bool:
    return kind in _SWITCHED or (kind == "mistral" and via == "v_proj")


def _by_layer(adapter: LofitAdapter) -> dict[int, Float[Tensor, "heads head_dim"]]:
    """v of each touched layer over all its heads, float64."""
    import torch

    shape = adapter.geometry
    by_layer: dict[int, Tensor] = {}
    for (layer, head), value in zip(adapter.heads, adapter.values, strict=True):
        if layer not in by_layer:
            by_layer[layer] = torch.zeros(shape.n_heads, shape.head_dim, dtype=torch.float64)
        by_layer[layer][head] = value.double()
    return by_layer


def merged_bias(
    weight: Float[Tensor, "hidden heads*head_dim"], v: Float[Tensor, "heads head_dim"]
) -> Float[Tensor, " hidden"]:
    """b = W_O v in float64."""
    return weight.detach().double().cpu() @ v.flatten()


def merged_weight(
    weight: Float[Tensor, "hidden heads*head_dim"], scale: Float[Tensor, "heads head_dim"]
) -> Float[Tensor, "hidden heads*head_dim"]:
    """W_O diag(1 + A) in float64."""
    return weight.detach().double().cpu() * (1 + scale.double().flatten())


def _merge_into_projection(
    base: AttentionLayout, merged: AttentionLayout, adapter: LofitAdapter, kind: str
) -> None:
    import torch

    with torch.no_grad():
        for layer, v in _by_layer(adapter).items():
            module = merged.projection(layer).module
            if module.bias is None:
                raise UserError(
                    f"{kind}: {mergeability(kind).how}",
                    "--via v_proj where the value projection has a bias, or keep the hooks "
                    "(LofitModel)",
                )
            bias = merged_bias(base.projection(layer).weight(), v)
            module.bias.copy_((module.bias.double().cpu() + bias).to(module.bias))


def _merge_scales(base: AttentionLayout, merged: AttentionLayout, adapter: LofitAdapter) -> None:
    import torch

    with torch.no_grad():
        for layer in base.attention_layers:
            projection = merged.projection(layer)
            scaled = merged_weight(base.projection(layer).weight(), adapter.values[layer])
            scaled = scaled.T if projection.kind == "conv1d" else scaled
            projection.module.weight.copy_(scaled.to(projection.module.weight))


def _merge_into_values(model: PreTrainedModel, adapter: LofitAdapter) -> None:
    """Add v to the value heads' biases; a shared value head needs one v for its whole group."""
    import torch

    shape = adapter.geometry
    group = shape.n_heads // shape.n_kv_heads
    with torch.no_grad():
        for layer, v in _by_layer(adapter).items():
            grouped = v.view(shape.n_kv_heads, group, shape.head_dim)
            if group > 1 and not bool((grouped == grouped[:, :1]).all()):
                raise UserError(
                    f"layer {layer}: {group} query heads share a value head but have different "
                    "offsets",
                    "merge with --via o_proj",
                )
            bias = _value_bias(model, layer)
            bias.copy_((bias.double().cpu() + grouped[:, 0].flatten()).to(bias))


def _value_bias(model: PreTrainedModel, layer: int) -> Float[Tensor, " kv_heads*head_dim"]:
    """The part of a bias that is added to the values, a view."""
    kind = model.config.model_type
    if kind == "gpt2":
        fused = model.get_parameter(f"transformer.h.{layer}.attn.c_attn.bias")
        return fused[2 * model.config.hidden_size :]
    decoder = "model.decoder" if kind == "opt" else "model"
    attention = model.get_submodule(f"{decoder}.layers.{layer}.self_attn")
    projection = getattr(attention, "v_proj", None)
    if projection is None or projection.bias is None:
        raise UserError(f"{kind}: its value projection has no bias", "merge with --via o_proj")
    return projection.bias


def _with_attention_bias(model: PreTrainedModel) -> PreTrainedModel:
    """The same model with biases (zero) on all four attention projections."""
    config = copy.deepcopy(model.config)
    config.attention_bias = True
    return _rebuilt(type(model), config, model)


def _rebuilt(
    kind: type[PreTrainedModel], config: PreTrainedConfig, model: PreTrainedModel
) -> PreTrainedModel:
    """A model of `kind` with the weights of `model`; biases that those lack are zero."""
    import torch

    # The dtype goes through the weights; rotary tables must stay as the class makes them.
    rebuilt = kind(config)
    rebuilt.to(model.device)  # type: ignore[arg-type]  # a wrapper hides its types
    state = model.state_dict()
    with torch.no_grad():
        for name, parameter in rebuilt.named_parameters():
            if name in state:
                parameter.data = state[name].detach().clone()
            elif name.endswith(".bias"):
                parameter.data = torch.zeros_like(parameter, dtype=model.dtype)
            else:
                raise UserError(f"{name}: the base has no such weight")
    rebuilt.tie_weights()
    rebuilt.config.dtype = model.dtype
    rebuilt.generation_config = copy.deepcopy(model.generation_config)
    return rebuilt.eval()


def _as_llama(model: PreTrainedModel) -> PreTrainedModel:
    """The same computation as a LlamaForCausalLM with biases.

    Raises
    ------
    UserError : another family, or an active sliding window (Llama has none).
    """
    from transformers import LlamaConfig, LlamaForCausalLM

    config = model.config
    kind = config.model_type
    if kind not in _TO_LLAMA:
        raise UserError(f"--to-llama is for {' and '.join(_TO_LLAMA)}, not {kind}")
    windowed = config.sliding_window is not None
    if kind == "qwen2":
        windowed = windowed and config.use_sliding_window
    if windowed:
        raise UserError(
            f"{kind}: a sliding window of {config.sliding_window} tokens is active, Llama has none",
            "set sliding_window to null in its config if your texts are shorter",
        )
    shape = AttentionLayout.from_model(model).geometry
    llama = LlamaConfig(
        vocab_size=config.vocab_size,
        hidden_size=config.hidden_size,
        intermediate_size=config.intermediate_size,
        num_hidden_layers=shape.n_layers,
        num_attention_heads=shape.n_heads,
        num_key_value_heads=shape.n_kv_heads,
        head_dim=shape.head_dim,
        hidden_act=config.hidden_act,
        max_position_embeddings=config.max_position_embeddings,
        rms_norm_eps=config.rms_norm_eps,
        rope_parameters=copy.deepcopy(config.rope_parameters),
        tie_word_embeddings=config.tie_word_embeddings,
        attention_bias=True,
        bos_token_id=config.bos_token_id,
        eos_token_id=config.eos_token_id,
        pad_token_id=config.pad_token_id,
    )
    return _rebuilt(LlamaForCausalLM, llama, model)
