"""The two edits of the method: scales on every head (step 1), an offset on chosen heads (step 2).

Both are hooks: nothing of the model is changed, and whatever is put on comes off again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from tenpapers.models import AttentionLayout, UnsupportedModelError
from tenpapers.models.heads import Hooks
from tenpapers.models.layout import Projection

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor
    from torch.nn import Module

    Arguments = tuple[Tensor, ...]
    InputHook = Callable[[Module, Arguments], Arguments | None]
    OutputHook = Callable[[Module, Arguments, Tensor], Tensor | None]


class ScaleHeads(Hooks):
    """z <- z + strength * A * z on every head, one fused operation a layer.

    The sum is rounded, never the factor 1 + A, which in bfloat16 is 1 for every A below 0.004.

    Parameters
    ----------
    layout : of the model.
    scale : A, float32; may be a parameter that is trained. It is cast to the dtype of z where it
        is used.
    strength : factor of A; 0 gives the model as it is, bit for bit.
    """

    def __init__(
        self,
        layout: AttentionLayout,
        scale: Float[Tensor, "layers heads head_dim"],
        *,
        strength: float = 1.0,
    ) -> None:
        super().__init__()
        self.scale = scale
        self.strength = strength
        for layer in layout.attention_layers:
            module = layout.projection(layer).module
            self._handles.append(module.register_forward_pre_hook(self._on_input(layer)))

    def _on_input(self, layer: int) -> InputHook:
        def multiply(module: Module, arguments: Arguments) -> Arguments | None:
            if self.strength == 0:
                return None
            z, *rest = arguments
            change = self.strength * self.scale[layer].flatten()
            return (z + z * change.to(z), *rest)

        return multiply


class OffsetHeads(Hooks):
    """z <- z + strength * v on chosen heads.

    The projection is affine, so W_O (z + v) = W_O z + W_O v: for a plain projection the row W_O v
    is added to its *output*, which touches neither z nor the other heads and saves nothing for the
    backward pass. W_O is read where it is used, so that later changes of the model count. A
    projection that is more than its weight (a LoRA wrapper, a quantised layer), or whose weight is
    offloaded, gets v on its input.

    Parameters
    ----------
    layout : of the model.
    heads : K heads, without repetition.
    offset : v, float32; may be a parameter that is trained.
    strength : factor of v; 0 gives the model as it is, bit for bit.
    scope : which token positions of a call are edited.
    route : "output" (the row), "input", or "auto" as described.

    Raises
    ------
    UnsupportedModelError : a head that the model does not have.
    """

    def __init__(
        self,
        layout: AttentionLayout,
        heads: Sequence[tuple[int, int]],
        offset: Float[Tensor, "heads head_dim"],
        *,
        strength: float = 1.0,
        scope: slice = slice(None),
        route: Literal["auto", "output", "input"] = "auto",
    ) -> None:
        super().__init__()
        self.layout = layout
        self.offset = offset
        self.strength = strength
        self.scope = scope
        rows: dict[int, list[tuple[int, int]]] = {}
        for row, (layer, head) in enumerate(heads):
            if not (0 <= layer < layout.geometry.n_layers and 0 <= head < layout.geometry.n_heads):
                raise UnsupportedModelError(f"the model has no head {head} in layer {layer}")
            rows.setdefault(layer, []).append((head, row))
        for layer, members in rows.items():
            self._attach(layout.projection(layer), sorted(members), route)

    def _attach(self, projection: Projection, members: list[tuple[int, int]], route: str) -> None:
        import torch

        width = self.layout.geometry.head_dim
        device = self.offset.device
        order = torch.tensor([row for _, row in members], device=device)
        module = projection.module
        plain = type(module) is torch.nn.Linear or projection.kind == "conv1d"
        in_memory = plain and module.weight.device.type != "meta"
        if route == "output" or (route == "auto" and in_memory):
            runs = _runs([head for head, _ in members])
            hook = module.register_forward_hook(self._on_output(projection, runs, order))
        else:
            columns = torch.cat([torch.arange(h * width, (h + 1) * width) for h, _ in members])
            size = self.layout.geometry.n_heads * width
            added = self._on_input(columns.to(device), order, size)
            hook = module.register_forward_pre_hook(added)
        self._handles.append(hook)

    def _on_output(
        self, projection: Projection, runs: list[tuple[int, int]], order: Int[Tensor, " members"]
    ) -> OutputHook:
        import torch

        width = self.layout.geometry.head_dim

        def add(module: Module, arguments: Arguments, output: Tensor) -> Tensor | None:
            if self.strength == 0:
                return None
            weight = projection.weight().detach()  # a view: nothing is kept of it
            values = (self.strength * self.offset[order]).to(weight.device)
            row, done = weight.new_zeros(len(weight), dtype=values.dtype), 0
            for first, count in runs:
                columns = weight[:, first * width : (first + count) * width].to(values.dtype)
                row = row + torch.mv(columns, values[done : done + count].flatten())
                done += count
            return self._added(output, row)

        return add

    def _on_input(
        self, columns: Int[Tensor, " chosen"], order: Int[Tensor, " members"], size: int
    ) -> InputHook:
        def add(module: Module, arguments: Arguments) -> Arguments | None:
            if self.strength == 0:
                return None
            z, *rest = arguments
            values = self.strength * self.offset[order].flatten()
            row = values.new_zeros(size).index_copy(0, columns, values)
            return (self._added(z, row), *rest)

        return add

    def _added(
        self, tensor: Float[Tensor, "batch tokens width"], row: Float[Tensor, " width"]
    ) -> Float[Tensor, "batch tokens width"]:
        """Add a row at the positions in scope."""
        import torch

        if self.scope == slice(None):
            return tensor + row.to(tensor)
        inside = torch.zeros(tensor.shape[1], 1, dtype=tensor.dtype, device=tensor.device)
        inside[self.scope] = 1
        return tensor + inside * row.to(tensor)


def _runs(heads: Sequence[int]) -> list[tuple[int, int]]:
    """Neighbours among sorted heads, as (first, count)."""
    runs: list[tuple[int, int]] = []
    for head in heads:
        if runs and head == sum(runs[-1]):
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((head, 1))
    return runs
