"""Switching heads off, by hooks that stay causal (section 3.8)."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Literal

from tenpapers.models import AttentionLayout
from tenpapers.models.heads import Hooks

from ..decoding.attention_watch import AttentionInput, AttentionWatch
from ..heads.score_files import ranked

Kind = Literal["zero", "uniform", "mean"]
Scope = Literal["all", "decode"]
KINDS: tuple[Kind, ...] = ("zero", "uniform", "mean")
# Heads of the ranking that controls are never drawn from.
TOP_EXCLUDED = 100


class Knockout(Hooks):
    """Replaces the outputs z of chosen heads, right before the output projection.

    Several settings can run side by side, one a row of the batch: `heads` is then BoolTensor
    [B, L, H].

    Parameters
    ----------
    model : transformers causal LM, or a peft model around one.
    heads : BoolTensor[L, H] or [B, L, H], True where a head is switched off.
    kind : "zero": z is 0; "uniform": z is the mean of the values that the row sees, as equal
        logits would make it; "mean": z is the head's mean over calibration texts.
    scope : "all" rows, or "decode": in a pass of several tokens only its last row (the last prompt
        token) and everything after. `first_row` says it exactly.
    means : FloatTensor[L, H, d] for the kind "mean" (see `mean_outputs`).

    Attributes
    ----------
    first_row : first row of a pass that is edited in scope "decode"; None is its last.
    """

    def __init__(
        self,
        model: Any,
        heads: Any,
        *,
        kind: Kind = "zero",
        scope: Scope = "all",
        means: Any = None,
    ) -> None:
        super().__init__()
        if kind == "mean" and means is None:
            raise ValueError("kind 'mean' needs the heads' mean outputs")
        self.layout = layout_of(model)
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
            fill: Any = 0.0
            if kind == "uniform":
                fill = partial(uniform.means.__getitem__, layer)
            elif kind == "mean":
                fill = means[layer].to(off.device)
            hook = self._on_input(off, fill)
            self._handles.append(projection.register_forward_pre_hook(hook))

    def _on_input(self, off: Any, fill: Any) -> Any:
        import torch

        shape = self.layout.geometry

        def replace(module: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
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
        self.means: dict[int, Any] = {}

    def see(self, seen: AttentionInput) -> None:
        """Keep the means of a pass, cached values included: [B, n, H, d]."""
        import torch

        if seen.layer not in self.layers:
            return
        n, m = seen.query.shape[2], seen.value.shape[2]
        value = seen.value.float()
        if seen.mask is None:
            count = torch.arange(m - n + 1, m + 1, device=value.device)[:, None]
            mean = value.cumsum(2)[:, :, m - n :] / count
        else:
            visible = seen.visible.float()
            mean = visible @ value / visible.sum(-1, keepdim=True).clamp(min=1)
        groups = seen.query.shape[1] // value.shape[1]
        mean = mean.to(seen.value.dtype).repeat_interleave(groups, dim=1)
        self.means[seen.layer] = mean.transpose(1, 2)


def layout_of(model: Any) -> AttentionLayout:
    """The heads of a model or of the model inside a peft wrapper."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    return AttentionLayout.from_model(base)


def as_mask(heads: Sequence[tuple[int, int]], n_layers: int, n_heads: int) -> Any:
    """BoolTensor[L, H] of a list of (layer, head).

    Raises
    ------
    ValueError : a head that the model does not have, or one named twice.
    """
    import torch

    chosen = torch.zeros(n_layers, n_heads, dtype=torch.bool)
    for layer, head in heads:
        if not (0 <= layer < n_layers and 0 <= head < n_heads):
            raise ValueError(f"head {layer}-{head}: the model has {n_layers} x {n_heads} heads")
        if chosen[layer, head]:
            raise ValueError(f"head {layer}-{head} is named twice ({n_layers} x {n_heads} heads)")
        chosen[layer, head] = True
    return chosen


@contextmanager
def knockout(
    model: Any,
    heads: Sequence[tuple[int, int]],
    kind: Kind = "zero",
    scope: Scope = "all",
    *,
    means: Any = None,
) -> Iterator[Knockout]:
    """The model without some heads, for the length of the block (see `Knockout`).

    Raises
    ------
    ValueError : a head that the model does not have, or one named twice.
    """
    shape = layout_of(model).geometry
    chosen = as_mask(heads, shape.n_layers, shape.n_heads)
    with Knockout(model, chosen, kind=kind, scope=scope, means=means) as hooks:
        yield hooks


def control_heads(
    scores: Any, k: int, seed: int, *, threshold: float, match_layers: bool = False
) -> list[tuple[int, int]]:
    """k random heads that do not retrieve: outside the threshold's set and the top 100.

    Of models with few heads, the top 100 may leave too few; then only the better half is excluded.

    Parameters
    ----------
    scores : FloatTensor[L, H].
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


def mean_outputs(model: Any, sequences: Sequence[Sequence[int]]) -> Any:
    """Mean output of every head over the tokens of calibration texts, FloatTensor[L, H, d]."""
    import torch
    from tenpapers.models import HeadCapture

    layout = layout_of(model)
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
