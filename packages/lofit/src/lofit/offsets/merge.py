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
from tenpapers.models.families import FAMILIES, Family

from ..heads.ranking import check_geometry, geometry_fields
from ..records import Via
from .adapter import LofitAdapter

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor
    from torch.nn import Module
    from transformers import PreTrainedModel


class Verdict(NamedTuple):
    """Whether a family's merged checkpoint serves an offset in transformers and in vLLM."""

    transformers: bool
    vllm: bool
    how: str


_HOW = {
    "own": "the projection has a bias",
    "switch": "attention_bias=true gives the projection a bias",
    "none": "its projection has no bias that a loader would read",
}


def mergeability(model_type: str) -> Verdict:
    """What a merge of offsets gives for a family."""
    family = FAMILIES.get(model_type, Family())
    if family.like_llama:
        how = "no bias in its class: pass --to-llama (then vLLM works too)"
    else:
        how = _HOW[family.bias]
    possible = family.bias != "none"
    if possible and not family.vllm:
        how += "; vLLM reads none there: transformers only"
    return Verdict(possible, family.vllm, how)


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
    model : the base, without hooks; it is not changed, and what the merge does not touch is not
        copied: both models have the same tensors there.
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
    _check_mergeable(model)
    layout = AttentionLayout.from_model(model, o_proj_pattern=adapter.o_proj_pattern)
    check_geometry("adapter", geometry_fields(adapter.geometry), layout.geometry)
    if adapter.positions == "last" and not all_positions:
        raise UserError(
            f"the {adapter.method} adapter edits the last token only, weights edit every token",
            "pass --all-positions to have it act everywhere (another intervention)",
        )
    target = _as_llama(model) if to_llama else _sharing(model)
    merged = AttentionLayout.from_model(target, o_proj_pattern=adapter.o_proj_pattern)
    if adapter.component == "scale":
        _merge_scales(layout, merged, adapter)
    elif via == "v_proj":
        _merge_into_values(merged, target, adapter)
    else:
        _merge_into_projection(layout, merged, target, adapter)
    _make_greedy_plain(target)
    return target.eval()


def _make_greedy_plain(model: PreTrainedModel) -> None:
    """Drop settings of sampling that greedy generation ignores and cannot be saved with."""
    settings = model.generation_config
    if settings is None or settings.do_sample:
        return
    for name in ("temperature", "top_p", "top_k", "min_p", "typical_p"):
        setattr(settings, name, None)


def _check_mergeable(model: PreTrainedModel) -> None:
    """Refuse a model whose weights are not all there, and plain.

    Raises
    ------
    UserError : says what to do first.
    """
    if hasattr(model, "get_base_model"):
        raise UserError("the model is in peft's wrapper", "merge_and_unload() of peft comes first")
    if carries_hooks(model):
        raise UserError("the model carries hooks", "take them off before merging")
    if getattr(model, "is_quantized", False):
        raise UserError("the base is quantised", "load it unquantised to merge")
    if len({str(parameter.device) for parameter in model.parameters()}) > 1:
        raise UserError("the base is spread over devices", "load it on one, cpu will do, to merge")


def carries_hooks(model: PreTrainedModel) -> bool:
    """Whether something edits what the model's modules compute."""
    return any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def _sharing(model: PreTrainedModel) -> PreTrainedModel:
    """A copy of a model that has the very tensors of the first one."""
    tensors = [*model.parameters(), *model.buffers()]
    return copy.deepcopy(model, {id(tensor): tensor for tensor in tensors})


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
    base: AttentionLayout, merged: AttentionLayout, target: PreTrainedModel, adapter: LofitAdapter
) -> None:
    kind = target.config.get_text_config().model_type
    if merged.family.bias == "switch":
        _switch_biases_on(merged, target)
    for layer, v in _by_layer(adapter).items():
        module = merged.projection(layer).module
        if module.bias is None:
            raise UserError(
                f"{kind}: {mergeability(kind).how}",
                "--via v_proj where the value projection has a bias, or keep the hooks "
                "(LofitModel)",
            )
        _add(module, merged_bias(base.projection(layer).weight(), v))


def _add(module: Module, bias: Float[Tensor, " out"]) -> None:
    """Give a module a bias of its own: what it had and this, added in float64."""
    import torch

    had = module.bias
    assert isinstance(had, torch.Tensor)
    added = (had.detach().double().cpu() + bias).to(had)
    module.bias = torch.nn.Parameter(added, requires_grad=had.requires_grad)


def _switch_biases_on(layout: AttentionLayout, model: PreTrainedModel) -> None:
    """`attention_bias=true`: biases, zero where there was none, on all attention projections."""
    import torch

    model.config.get_text_config().attention_bias = True
    attention = layout.family.values.partition(".")[0]
    output = layout.family.projection.rpartition(".")[2]
    keys = [] if layout.family.fused else ["k_proj"]
    for layer in layout.layers:
        for name in (*layout.family.query_and_value, *keys, output):
            module = layer.get_submodule(f"{attention}.{name}")
            if module.bias is None:
                weight = module.weight
                assert isinstance(weight, torch.Tensor)
                zeros = torch.zeros(len(weight), dtype=weight.dtype, device=weight.device)
                module.bias = torch.nn.Parameter(zeros, requires_grad=weight.requires_grad)


def _merge_scales(base: AttentionLayout, merged: AttentionLayout, adapter: LofitAdapter) -> None:
    import torch

    for layer in base.attention_layers:
        projection = merged.projection(layer)
        scaled = merged_weight(base.projection(layer).weight(), adapter.values[layer])
        scaled = scaled.T if projection.kind == "conv1d" else scaled
        weight = projection.module.weight
        changed = scaled.to(weight).contiguous()
        projection.module.weight = torch.nn.Parameter(changed, requires_grad=weight.requires_grad)


def _merge_into_values(
    layout: AttentionLayout, model: PreTrainedModel, adapter: LofitAdapter
) -> None:
    """Add v to the value heads' biases; a shared value head needs one v for its whole group."""
    shape, family = adapter.geometry, layout.family
    if getattr(model.config.get_text_config(), "clip_qkv", None) is not None:
        raise UserError(f"{shape.model_type}: clips its values", "merge with --via o_proj")
    group = shape.n_heads // shape.n_kv_heads
    if family.bias == "switch":
        _switch_biases_on(layout, model)
    for layer, v in _by_layer(adapter).items():
        grouped = v.view(shape.n_kv_heads, group, shape.head_dim)
        if group > 1 and not bool((grouped == grouped[:, :1]).all()):
            raise UserError(
                f"layer {layer}: {group} query heads share a value head but have different offsets",
                "merge with --via o_proj",
            )
        module = layout.layers[layer].get_submodule(family.values)
        if module.bias is None:
            kind = shape.model_type
            raise UserError(f"{kind}: its value projection has no bias", "merge with --via o_proj")
        _add(module, _among_fused(grouped[:, 0], layout))


def _among_fused(
    values: Float[Tensor, "kv_heads head_dim"], layout: AttentionLayout
) -> Float[Tensor, " out"]:
    """Value biases where they lie in the bias of the projection that gives values."""
    import torch

    shape = layout.geometry
    if not layout.family.fused:
        return values.flatten()
    if layout.family.fused == "heads":  # query, key and value of a head, then of the next
        nothing = torch.zeros_like(values)
        return torch.stack([nothing, nothing, values], dim=1).flatten()
    before = (shape.n_heads + shape.n_kv_heads) * shape.head_dim
    return torch.cat([values.new_zeros(before), values.flatten()])


def _as_llama(model: PreTrainedModel) -> PreTrainedModel:
    """The same computation as a LlamaForCausalLM with biases.

    Raises
    ------
    UserError : another family, or an active sliding window (Llama has none).
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = model.config
    kind = config.model_type
    if not FAMILIES.get(kind, Family()).like_llama:
        able = [name for name, family in FAMILIES.items() if family.like_llama]
        raise UserError(f"--to-llama is for {' and '.join(able)}, not {kind}")
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
    with torch.device("meta"):  # no second model is made: the tensors are the base's
        made = LlamaForCausalLM(llama)
    parameters, buffers = dict(model.named_parameters()), dict(model.named_buffers())
    for name, empty in [*made.named_parameters()]:
        had: torch.Tensor | None = parameters.get(name)
        if had is None:  # a bias that the base does not have
            had = torch.zeros(empty.shape, dtype=model.dtype, device=model.device)
        owner, _, own = name.rpartition(".")
        setattr(made.get_submodule(owner), own, torch.nn.Parameter(had, requires_grad=False))
    for name, _ in [*made.named_buffers()]:
        owner, _, own = name.rpartition(".")
        setattr(made.get_submodule(owner), own, buffers[name])
    made.tie_weights()
    made.config.dtype = model.dtype
    made.generation_config = copy.deepcopy(model.generation_config)
    return made
