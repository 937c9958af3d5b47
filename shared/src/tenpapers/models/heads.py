"""Read and edit attention heads by hooks: z, the input of the output projection.

In layer l, z has shape (batch, tokens, n_heads * head_dim): for every token the outputs of the
heads side by side, before W_O mixes them. Nothing of the model is changed; whatever is put on comes
off again, and the names in `state_dict()` stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from ..closing import Closing
from .layout import AttentionLayout

if TYPE_CHECKING:
    from collections.abc import Callable

    from jaxtyping import Float
    from torch import Tensor
    from torch.nn import Module


class Removable(Protocol):
    """What can be taken off again: a handle of torch, or other hooks."""

    def remove(self) -> None:
        """Take it off."""
        ...


class Hooks(Closing):
    """Hooks that come off together: `remove()`, or leave the `with` block."""

    def __init__(self) -> None:
        self._handles: list[Removable] = []

    def remove(self) -> None:
        """Take all hooks off; a second call does nothing."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def close(self) -> None:
        """Take all hooks off."""
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
        self._chunks: dict[int, list[Tensor]] = {layer: [] for layer in layout.attention_layers}
        for layer, chunks in self._chunks.items():
            module = layout.projection(layer).module
            recorder = _recorder(chunks, only_last=positions == "last")
            self._handles.append(module.register_forward_pre_hook(recorder))

    def layer(self, layer: int) -> Float[Tensor, "batch tokens heads head_dim"]:
        """Heads of one layer, in the model's dtype."""
        import torch

        z = torch.cat(self._chunks[layer], dim=1)
        shape = self.layout.geometry
        return z.view(*z.shape[:2], shape.n_heads, shape.head_dim)

    def stack(self) -> Float[Tensor, "batch tokens layers heads head_dim"]:
        """Heads of all layers; those of layers without softmax attention are zero."""
        import torch

        known = {layer: self.layer(layer) for layer in self._chunks}
        empty = torch.zeros_like(next(iter(known.values())))
        layers = range(self.layout.geometry.n_layers)
        # The layers of a model that is spread over devices lie on several.
        return torch.stack([known.get(i, empty).to(empty.device) for i in layers], dim=2)

    def clear(self) -> None:
        """Forget what was recorded."""
        for chunks in self._chunks.values():
            chunks.clear()


def _recorder(
    chunks: list[Tensor], *, only_last: bool
) -> Callable[[Module, tuple[Tensor, ...]], None]:
    def record(module: Module, arguments: tuple[Tensor, ...]) -> None:
        z = arguments[0].detach()
        # A part is copied, or it would keep the whole alive.
        chunks.append(z[:, -1:].clone() if only_last else z)

    return record
