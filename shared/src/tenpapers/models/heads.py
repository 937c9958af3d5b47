"""Read and edit attention heads by hooks: z, the input of the output projection.

In layer l, z has shape (batch, tokens, n_heads * head_dim): for every token the outputs of the
heads side by side, before W_O mixes them. Nothing of the model is changed; whatever is put on comes
off again, and the names in `state_dict()` stay.
"""

from types import TracebackType
from typing import Any, Literal, Self

from .layout import AttentionLayout


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
