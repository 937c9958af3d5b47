"""Where the attention heads of an unmodified transformers model are: its output projections."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

from ..errors import UserError
from .families import FAMILIES, Family

if TYPE_CHECKING:
    from jaxtyping import Float
    from peft import PeftModel
    from torch import Tensor
    from torch.nn import Linear, Module, ModuleList
    from transformers import PreTrainedConfig, PreTrainedModel
    from transformers.pytorch_utils import Conv1D

Kind = Literal["linear", "conv1d"]


class UnsupportedModelError(UserError):
    """A model whose heads cannot be found, or whose projection has an unexpected width."""


class Head(NamedTuple):
    """One query head; layer and head count from 0."""

    layer: int
    head: int


@dataclass(frozen=True)
class HeadGeometry:
    """Numbers of a decoder that its configuration alone gives.

    Parameters
    ----------
    model_type : transformers' name of the architecture.
    n_layers, n_heads, n_kv_heads, head_dim : `n_heads` counts query heads.
    hidden_size : width of the residual stream; with Gemma not `n_heads * head_dim`.
    """

    model_type: str
    n_layers: int
    n_heads: int
    n_kv_heads: int
    head_dim: int
    hidden_size: int

    @classmethod
    def from_config(cls, config: PreTrainedConfig) -> HeadGeometry:
        """Read a transformers configuration; of a model that reads pictures too its text part."""
        config = config.get_text_config()
        heads, hidden = config.num_attention_heads, config.hidden_size
        return cls(
            model_type=config.model_type,
            n_layers=config.num_hidden_layers,
            n_heads=heads,
            n_kv_heads=getattr(config, "num_key_value_heads", None) or heads,
            head_dim=getattr(config, "head_dim", None) or hidden // heads,
            hidden_size=hidden,
        )


@dataclass(frozen=True)
class Projection:
    """The module that mixes a layer's heads: a Linear, or GPT-2's Conv1D with a turned weight."""

    name: str
    module: Linear | Conv1D  # or what stands in for one, quantised or wrapped
    kind: Kind

    def weight(self) -> Float[Tensor, "hidden_size n_heads*head_dim"]:
        """W_O; dequantised where bitsandbytes packs it."""
        weight: Tensor = self.module.weight
        packed = getattr(weight, "quant_state", None)
        row_scales = getattr(weight, "SCB", None)
        if packed is not None:
            from bitsandbytes.functional import dequantize_4bit

            weight = dequantize_4bit(weight.data, packed)
        elif row_scales is not None and getattr(self.module, "state", None) is not None:
            weight = weight.data * (row_scales / 127)[:, None]
        return weight.T if self.kind == "conv1d" else weight


@dataclass(frozen=True)
class AttentionLayout:
    """The output projection of every layer, and the shape of the heads in front of it.

    The input z of a projection has shape (batch, tokens, n_heads * head_dim), the heads in order.

    Parameters
    ----------
    geometry : see `HeadGeometry`.
    projections : one a layer; None where a layer has no softmax attention (it keeps its number).
    layers : the decoder layers' modules.
    family : what is known of the architecture.
    """

    geometry: HeadGeometry
    projections: tuple[Projection | None, ...]
    layers: tuple[Module, ...]
    family: Family = Family()  # noqa: RUF009 (a named tuple cannot change)

    @classmethod
    def from_model(
        cls, model: PreTrainedModel | PeftModel, *, o_proj_pattern: str | None = None
    ) -> AttentionLayout:
        """Find the projections by the model's type, or by a pattern for unknown families.

        Parameters
        ----------
        model : a transformers causal LM, or one in peft's wrapper.
        o_proj_pattern : regular expression that matches the whole name of one projection a layer,
            e.g. `model\\.layers\\.\\d+\\.self_attn\\.o_proj`; default what the model's own
            configuration says, see `set_o_proj_pattern`.

        Raises
        ------
        UnsupportedModelError : unknown family and no pattern, a pattern with no or two modules in
            a layer, or a projection that does not take `n_heads * head_dim` numbers.
        """
        model = base_model_of(model)
        geometry = HeadGeometry.from_config(model.config)
        pattern = o_proj_pattern or getattr(model.config, O_PROJ_PATTERN, None)
        if pattern:
            found = _by_pattern(model, pattern, geometry.n_layers)
        else:
            found = _by_family(model, geometry.model_type)
        projections = [
            None if module is None else _checked(name, module, geometry)
            for name, module in found.values()
        ]
        if not any(projections):
            raise UnsupportedModelError(f"{geometry.model_type}: no layer has softmax attention")
        layers = tuple(_layer_of(model, found, index) for index in range(geometry.n_layers))
        family = FAMILIES.get(geometry.model_type) or _unknown(projections)
        return cls(geometry, tuple(projections), layers, family)

    @property
    def attention_layers(self) -> list[int]:
        """Numbers of the layers that have heads."""
        return [layer for layer, found in enumerate(self.projections) if found is not None]

    def projection(self, layer: int) -> Projection:
        """The projection of a layer that has one.

        Raises
        ------
        UnsupportedModelError : that layer has no softmax attention.
        """
        found = self.projections[layer]
        if found is None:
            raise UnsupportedModelError(f"layer {layer} has no softmax attention")
        return found

    def all_heads(self) -> list[Head]:
        """Every head, by layer and number."""
        return [
            Head(layer, head)
            for layer in self.attention_layers
            for head in range(self.geometry.n_heads)
        ]


# Key of a model's configuration that says where the projections of an unknown family are.
O_PROJ_PATTERN = "o_proj_pattern"


def set_o_proj_pattern(model: PreTrainedModel, pattern: str | None) -> None:
    """Write `--o-proj-pattern` into a model's configuration, where every layout of it reads it.

    Raises
    ------
    UnsupportedModelError : see `AttentionLayout.from_model`.
    """
    if pattern:
        AttentionLayout.from_model(model, o_proj_pattern=pattern)
        setattr(model.config, O_PROJ_PATTERN, pattern)


def base_model_of(model: PreTrainedModel | PeftModel) -> PreTrainedModel:
    """The transformers model itself, where peft has wrapped it."""
    unwrap = getattr(model, "get_base_model", None)  # without importing peft
    base: PreTrainedModel = unwrap() if unwrap else model
    return base


# By layer the name of its projection and the module, None where there is no such module.
_Found = dict[int, "tuple[str, Module | None]"]


def _unknown(projections: list[Projection | None]) -> Family:
    """What can be said of a family that is in no table."""
    biased = all(getattr(p.module, "bias", None) is not None for p in projections if p)
    return Family(bias="own" if biased else "none")


def _by_family(model: PreTrainedModel, model_type: str) -> _Found:
    family = FAMILIES.get(model_type)
    if family is None:
        raise UnsupportedModelError(
            f"{model_type}: unknown architecture",
            f"pass --o-proj-pattern, or use one of {', '.join(sorted(FAMILIES))}",
        )
    decoder = model.get_decoder()
    prefix = next(name for name, module in model.named_modules() if module is decoder)
    found: _Found = {}
    for index, layer in enumerate(cast("ModuleList", decoder.get_submodule(family.layers))):
        attention, _, last = family.projection.partition(".")
        owner = getattr(layer, attention, None)
        module = getattr(owner, last, None) if owner is not None else None
        found[index] = (f"{prefix}.{family.layers}.{index}.{family.projection}", module)
    return found


def _by_pattern(model: PreTrainedModel, pattern: str, n_layers: int) -> _Found:
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise UnsupportedModelError(
            f"--o-proj-pattern {pattern!r}: not a regular expression: {error}"
        ) from None
    found: _Found = {}
    for name, module in model.named_modules():
        if not expression.fullmatch(name):
            continue
        number = re.search(r"\.(\d+)\.", f".{name}.")
        if number is None or int(number[1]) >= n_layers:
            raise UnsupportedModelError(f"{name}: matches --o-proj-pattern but is in no layer")
        if int(number[1]) in found:
            raise UnsupportedModelError(
                f"layer {number[1]}: --o-proj-pattern matches {found[int(number[1])][0]} and {name}"
            )
        found[int(number[1])] = (name, module)
    if not found:
        raise UnsupportedModelError(f"--o-proj-pattern {pattern!r} matches no module")
    return {index: found.get(index, ("", None)) for index in range(n_layers)}


def _checked(name: str, module: Module, geometry: HeadGeometry) -> Projection:
    projection = cast("Linear | Conv1D", module)
    conv1d = type(module).__name__ == "Conv1D"
    width = projection.weight.shape[0] if conv1d else module.in_features
    expected = geometry.n_heads * geometry.head_dim
    if width != expected:
        raise UnsupportedModelError(
            f"{name}: takes {width} numbers, {geometry.n_heads} heads of {geometry.head_dim} "
            f"are {expected}"
        )
    return Projection(name, projection, "conv1d" if conv1d else "linear")


def _layer_of(model: PreTrainedModel, found: _Found, index: int) -> Module:
    """The decoder layer `index`: what the projections' names have before the layer's number."""
    name = next(name for name, module in found.values() if module is not None)
    prefix = re.match(r"(.*?)\.\d+\.", name)
    assert prefix is not None
    return model.get_submodule(f"{prefix[1]}.{index}")
