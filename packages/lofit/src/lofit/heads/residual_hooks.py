"""Hooks on the output of whole layers or of their MLPs, for the baselines that edit there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tenpapers.models import AttentionLayout, UnsupportedModelError
from tenpapers.models.heads import Hooks

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor
    from torch.nn import Module

    State = Float[Tensor, "batch tokens hidden"]
    Edit = Callable[[State], State]
    # Some architectures return the state in a tuple.
    Output = State | tuple[State, ...]


class OutputEdits(Hooks):
    """h <- h + strength * (edit(h) - h) on the output of modules.

    Parameters
    ----------
    modules : whose outputs are edited.
    edits : one for each module.
    strength : 1 is the edit, 0 the model as it is, bit for bit; between and beyond them the edit
        is scaled in a straight line.
    """

    def __init__(
        self, modules: Sequence[Module], edits: Sequence[Edit], *, strength: float = 1.0
    ) -> None:
        super().__init__()
        self.strength = strength
        for module, edit in zip(modules, edits, strict=True):
            self._handles.append(module.register_forward_hook(self._on_output(edit)))

    def _on_output(self, edit: Edit) -> Callable[[Module, tuple[Tensor, ...], Output], Output]:
        def hook(module: Module, arguments: tuple[Tensor, ...], output: Output) -> Output:
            if isinstance(output, tuple):
                return (self._scaled(edit, output[0]), *output[1:])
            return self._scaled(edit, output)

        return hook

    def _scaled(self, edit: Edit, state: State) -> State:
        if self.strength == 0:
            return state
        edited = edit(state)
        return edited if self.strength == 1 else state + self.strength * (edited - state)


class LayerCapture(Hooks):
    """Keeps the last output of each layer."""

    def __init__(self, layers: Sequence[Module]) -> None:
        super().__init__()
        self._by_layer: dict[int, State] = {}
        for number, layer in enumerate(layers):
            self._handles.append(layer.register_forward_hook(self._keeper(number)))

    @property
    def states(self) -> list[State]:
        """Outputs of the last pass, layer after layer."""
        return [self._by_layer[number] for number in sorted(self._by_layer)]

    def _keeper(self, number: int) -> Callable[[Module, tuple[Tensor, ...], Output], None]:
        def keep(module: Module, arguments: tuple[Tensor, ...], output: Output) -> None:
            self._by_layer[number] = (output[0] if isinstance(output, tuple) else output).detach()

        return keep


def mlp_modules(layout: AttentionLayout) -> list[Module]:
    """The module of each layer whose output is its MLP's.

    Raises
    ------
    UnsupportedModelError : an unknown family, whose MLP has another name.
    """
    name = layout.family.mlp
    try:
        return [layer.get_submodule(name) for layer in layout.layers]
    except AttributeError:
        kind = layout.geometry.model_type
        raise UnsupportedModelError(f"{kind}: its layers have no module {name!r}") from None
