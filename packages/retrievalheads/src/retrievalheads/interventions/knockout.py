"""Switching heads off, by hooks that stay causal."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from tenpapers.models import AttentionLayout
from tenpapers.models.heads import Hooks

from ..decoding.attention_watch import AttentionInput, AttentionWatch
from ..heads.head_sets import as_mask, ranked
from .settings import Kind, Scope

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
    from torch import Tensor
    from torch.nn import Module
    from transformers import PreTrainedModel

    # What stands in for the outputs of heads that are off, as it broadcasts to them.
    Fill = float | Tensor | Callable[[], Tensor]

# Heads of the ranking that controls are never drawn from.
TOP_EXCLUDED = 100


class Knockout(Hooks):
    """Replaces the outputs z of chosen heads, right before the output projection.

    Several settings can run side by side, one a row of the batch.

    Parameters
    ----------
    model : transformers causal LM, or a peft model around one.
    heads : True where a head is switched off; of all rows of the batch, or of each.
    kind : "zero": z is 0; "uniform": z is the mean of the values that the row sees, as equal
        logits would make it; "mean": z is the head's mean over calibration texts.
    scope : "all" rows, or "decode": in a pass of several tokens only its last row (the last prompt
        token) and everything after. `first_row` says it exactly.
    means : for the kind "mean" (see `mean_outputs`).

    Attributes
    ----------
    first_row : first row of a pass that is edited in scope "decode"; None is its last.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        heads: Bool[Tensor, "layers heads"] | Bool[Tensor, "batch layers heads"],
        *,
        kind: Kind = "zero",
        scope: Scope = "all",
        means: Float[Tensor, "layers heads head_dim"] | None = None,
    ) -> None:
        super().__init__()
        if kind == "mean" and means is None:
            raise ValueError("kind 'mean' needs the heads' mean outputs")
        self.layout = AttentionLayout.from_model(model)
        self.scope = scope
        self.first_row: int | None = None
        chosen = heads if heads.dim() == 3 else heads[None]
        layers = [i for i in self.layout.attention_layers if bool(chosen[:, i].any())]
        uniform = _UniformValues(set(layers))
        if kind == "uniform" and layers:
            self._handles.append(AttentionWatch(model, uniform.see))
        for layer in layers:
            projection = self.layout.projection(layer).module
            off = chosen[:, layer].to(projection.weight.device)
            fill: Fill = 0.0
            if kind == "uniform":
                fill = partial(uniform.means.__getitem__, layer)
            elif kind == "mean" and means is not None:
                fill = means[layer].to(off.device)
            hook = self._on_input(off, fill)
            self._handles.append(projection.register_forward_pre_hook(hook))

    def _on_input(
        self, off: Bool[Tensor, "batch heads"], fill: Fill
    ) -> Callable[[Module, tuple[Tensor, ...]], tuple[Tensor, ...]]:
        import torch

        shape = self.layout.geometry

        def replace(module: Module, arguments: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            z, *rest = arguments
            heads = z.view(*z.shape[:2], shape.n_heads, shape.head_dim)
            where = off[:, None, :, None].expand(-1, z.shape[1], -1, -1)
            if self.scope == "decode":
                where = where.clone()
                start = z.shape[1] - 1 if self.first_row is None else self.first_row
                where[:, :start] = False
            value = fill() if callable(fill) else fill
            value = value.to(heads) if isinstance(value, torch.Tensor) else heads.new_tensor(value)
            return (heads.where(~where, value).view_as(z), *rest)

        return replace


class _UniformValues:
    """The running mean of each layer's value vectors over what a row sees.

    Equal logits give every visible token the same weight.
    """

    def __init__(self, layers: set[int]) -> None:
        self.layers = layers
        self.means: dict[int, Float[Tensor, "batch n heads head_dim"]] = {}

    def see(self, seen: AttentionInput) -> None:
        """Keep the means of a pass, cached values included."""
        import torch

        if seen.layer not in self.layers:
            return
        n, m = seen.query.shape[2], seen.value.shape[2]
        value = seen.value.float()
        visible = seen.visible
        if visible is None:
            count = torch.arange(m - n + 1, m + 1, device=value.device)[:, None]
            mean = value.cumsum(2)[:, :, m - n :] / count
        else:
            weight = visible.float()
            mean = weight @ value / weight.sum(-1, keepdim=True).clamp(min=1)
        groups = seen.query.shape[1] // value.shape[1]
        mean = mean.to(seen.value.dtype).repeat_interleave(groups, dim=1)
        self.means[seen.layer] = mean.transpose(1, 2)


@contextmanager
def knockout(
    model: PreTrainedModel,
    heads: Sequence[tuple[int, int]],
    kind: Kind = "zero",
    scope: Scope = "all",
    *,
    means: Float[Tensor, "layers heads head_dim"] | None = None,
) -> Iterator[Knockout]:
    """The model without some heads, for the length of the block (see `Knockout`).

    Raises
    ------
    ValueError : a head that the model does not have, or one named twice.
    """
    shape = AttentionLayout.from_model(model).geometry
    chosen = as_mask(heads, shape.n_layers, shape.n_heads)
    with Knockout(model, chosen, kind=kind, scope=scope, means=means) as hooks:
        yield hooks


def control_heads(
    scores: Float[Tensor, "layers heads"],
    k: int,
    seed: int,
    *,
    threshold: float,
    match_layers: bool = False,
) -> list[tuple[int, int]]:
    """k random heads that do not retrieve: outside the threshold's set and the top 100.

    Of models with few heads, the top 100 may leave too few; then only the better half is excluded.

    Parameters
    ----------
    scores : mean score of every head.
    match_layers : as many of each layer as the top k have.

    Raises
    ------
    ValueError : fewer candidates than k.
    """
    order = ranked(scores)
    excluded = min(TOP_EXCLUDED, len(order) // 2)
    barred = {(layer, head) for layer, head, _ in order[:excluded]}
    barred |= {(layer, head) for layer, head, value in order if value >= threshold}
    pool = sorted((layer, head) for layer, head, _ in order if (layer, head) not in barred)
    draw = random.Random(f"control:{seed}")
    if not match_layers:
        if k > len(pool):
            raise ValueError(f"{k} control heads wanted, the pool has {len(pool)}")
        return sorted(draw.sample(pool, k))
    chosen: list[tuple[int, int]] = []
    wanted = [layer for layer, _, _ in order[:k]]
    for layer in sorted(set(wanted)):
        here = [head for head in pool if head[0] == layer]
        if wanted.count(layer) > len(here):
            raise ValueError(
                f"{wanted.count(layer)} control heads of layer {layer} wanted, "
                f"the pool has {len(here)}"
            )
        chosen += draw.sample(here, wanted.count(layer))
    return sorted(chosen)


def mean_outputs(
    model: PreTrainedModel, sequences: Sequence[Sequence[int]]
) -> Float[Tensor, "layers heads head_dim"]:
    """Mean output of every head over the tokens of calibration texts.

    Raises
    ------
    ValueError : no text.
    """
    import torch
    from tenpapers.models import HeadCapture

    layout = AttentionLayout.from_model(model)
    total, count = None, 0
    with torch.inference_mode(), HeadCapture(layout) as capture:
        for ids in sequences:
            model(torch.tensor([list(ids)], device=model.device), use_cache=False, logits_to_keep=1)
            z = capture.stack()[0].float().sum(0)
            total, count = z if total is None else total + z, count + len(ids)
            capture.clear()
    if total is None:
        raise ValueError("no calibration text")
    return total / count
