"""Read and edit attention heads by hooks: z, the input of the output projection.

In layer l, z has shape (batch, tokens, n_heads * head_dim): for every token the outputs of the
heads side by side, before W_O mixes them. Nothing of the model is changed; whatever is put on comes
off again, and the names in `state_dict()` stay.
"""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Literal, Self

from .layout import AttentionLayout, Projection, UnsupportedModelError


class Hooks:
    """Hooks that come off together: `remove()`, or leave the `with` block."""

    def __init__(self) -> None:
        self._handles: list[Any] = []

    def remove(self) -> None:
        """Take all hooks off; a second call does nothing."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()


class HeadCapture(Hooks):
    """Records z of every layer while the model runs.

    Successive calls of the model (a prefill and its decoding steps) are appended along the token
    axis, until `clear()`.

    Parameters
    ----------
    layout : of the model.
    positions : "all" tokens, or the "last" of every call (with left padding: of every row).
    """

    def __init__(
        self, layout: AttentionLayout, *, positions: Literal["all", "last"] = "all"
    ) -> None:
        super().__init__()
        self.layout = layout
        self._chunks: dict[int, list[Any]] = {layer: [] for layer in layout.attention_layers}
        for layer in layout.attention_layers:
            self._handles.append(
                layout.projection(layer).module.register_forward_pre_hook(
                    _recorder(self._chunks[layer], positions)
                )
            )

    def layer(self, layer: int) -> Any:
        """Heads of one layer, shape (batch, tokens, n_heads, head_dim), in the model's dtype."""
        import torch

        z = torch.cat(self._chunks[layer], dim=1)
        shape = self.layout.geometry
        return z.view(*z.shape[:2], shape.n_heads, shape.head_dim)

    def stack(self) -> Any:
        """Heads of all layers, shape (batch, tokens, n_layers, n_heads, head_dim).

        Layers without softmax attention are zero.
        """
        import torch

        known = {layer: self.layer(layer) for layer in self._chunks}
        empty = torch.zeros_like(next(iter(known.values())))
        layers = range(self.layout.geometry.n_layers)
        return torch.stack([known.get(layer, empty) for layer in layers], dim=2)

    def clear(self) -> None:
        """Forget what was recorded."""
        for chunks in self._chunks.values():
            chunks.clear()


def _recorder(chunks: list[Any], positions: str) -> Any:
    def record(module: Any, arguments: tuple[Any, ...]) -> None:
        z = arguments[0].detach()
        chunks.append(z[:, -1:].clone() if positions == "last" else z)

    return record


class ScaleHeads(Hooks):
    """z <- (1 + strength * A) * z on every head, one fused operation a layer.

    Parameters
    ----------
    layout : of the model.
    scale : A, float32, shape (n_layers, n_heads, head_dim); may be a parameter that is trained.
        It is cast to the dtype of z where it is used.
    strength : factor of A; 0 gives the model as it is, bit for bit.
    """

    def __init__(self, layout: AttentionLayout, scale: Any, *, strength: float = 1.0) -> None:
        super().__init__()
        self.scale = scale
        self.strength = strength
        for layer in layout.attention_layers:
            module = layout.projection(layer).module
            self._handles.append(module.register_forward_pre_hook(self._on_input(layer)))

    def _on_input(self, layer: int) -> Any:
        def multiply(module: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...] | None:
            if self.strength == 0:
                return None
            z, *rest = arguments
            factor = 1 + self.strength * self.scale[layer].flatten()
            return (z * factor.to(z), *rest)

        return multiply


class OffsetHeads(Hooks):
    """z <- z + strength * v on chosen heads.

    The projection is affine, so W_O (z + v) = W_O z + W_O v: for a plain projection the row W_O v
    is added to its *output*, which touches neither z nor the other heads and saves nothing for the
    backward pass. A projection that is more than its weight (a LoRA wrapper, a quantised layer)
    gets v on its input.

    Parameters
    ----------
    layout : of the model.
    heads : K heads, without repetition.
    offset : v, float32, shape (K, head_dim); may be a parameter that is trained.
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
        offset: Any,
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
        columns = torch.cat([torch.arange(h * width, (h + 1) * width) for h, _ in members])
        columns = columns.to(device)
        order = torch.tensor([row for _, row in members], device=device)
        plain = type(projection.module) is torch.nn.Linear or projection.kind == "conv1d"
        if route == "output" or (route == "auto" and plain):
            # Only the chosen columns of W_O are kept, (hidden, k * head_dim).
            weight = projection.weight().detach()[:, columns].to(self.offset.dtype).contiguous()
            hook = projection.module.register_forward_hook(self._on_output(weight, order))
        else:
            size = self.layout.geometry.n_heads * width
            hook = projection.module.register_forward_pre_hook(self._on_input(columns, order, size))
        self._handles.append(hook)

    def _on_output(self, weight: Any, order: Any) -> Any:
        import torch

        def add(module: Any, arguments: tuple[Any, ...], output: Any) -> Any:
            if self.strength == 0:
                return None
            values = self.strength * self.offset[order].flatten()
            row = torch.mv(weight, values)
            return self._added(output, row)

        return add

    def _on_input(self, columns: Any, order: Any, size: int) -> Any:
        def add(module: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...] | None:
            if self.strength == 0:
                return None
            z, *rest = arguments
            values = self.strength * self.offset[order].flatten()
            row = values.new_zeros(size).index_copy(0, columns, values)
            return (self._added(z, row), *rest)

        return add

    def _added(self, tensor: Any, row: Any) -> Any:
        """Add a row at the positions in scope; `tensor` has shape (batch, tokens, width)."""
        import torch

        if self.scope == slice(None):
            return tensor + row.to(tensor)
        inside = torch.zeros(tensor.shape[1], 1, dtype=tensor.dtype, device=tensor.device)
        inside[self.scope] = 1
        return tensor + inside * row.to(tensor)
