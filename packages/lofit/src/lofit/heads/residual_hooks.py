"""Hooks on the output of whole layers or of their MLPs, for the baselines that edit there."""

from collections.abc import Callable, Sequence
from typing import Any

from tenpapers.errors import UserError
from tenpapers.models.heads import Hooks

Edit = Callable[[Any], Any]


def _apply(edit: Edit) -> Any:
    """A forward hook; some architectures return the state in a tuple."""

    def hook(module: Any, arguments: tuple[Any, ...], output: Any) -> Any:
        if isinstance(output, tuple):
            return (edit(output[0]), *output[1:])
        return edit(output)

    return hook


class OutputEdits(Hooks):
    """h <- edit(h) on the output of modules; h has shape (batch, tokens, hidden)."""

    def __init__(self, modules: Sequence[Any], edits: Sequence[Edit]) -> None:
        super().__init__()
        for module, edit in zip(modules, edits, strict=True):
            self._handles.append(module.register_forward_hook(_apply(edit)))


class LayerCapture(Hooks):
    """Keeps the last output of each layer, shape (batch, tokens, hidden), in `states`."""

    def __init__(self, layers: Sequence[Any]) -> None:
        super().__init__()
        self.states: list[Any] = [None] * len(layers)
        for number, layer in enumerate(layers):
            self._handles.append(layer.register_forward_hook(self._keeper(number)))

    def _keeper(self, number: int) -> Any:
        def keep(module: Any, arguments: tuple[Any, ...], output: Any) -> None:
            self.states[number] = (output[0] if isinstance(output, tuple) else output).detach()

        return keep


def mlp_modules(layers: Sequence[Any]) -> list[Any]:
    """The module of each layer whose output is its MLP's.

    Raises
    ------
    UserError : unknown architecture.
    """
    for name in ("mlp", "fc2"):
        if all(hasattr(layer, name) for layer in layers):
            return [getattr(layer, name) for layer in layers]
    raise UserError(f"{type(layers[0]).__name__}: its MLP is not found")
