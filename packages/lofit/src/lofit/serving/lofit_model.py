"""A model with an adapter on it, for people who want two lines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenpapers.errors import UserError

from ..offsets.adapter import LofitAdapter
from ..offsets.merge import carries_hooks, merge

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedConfig, PreTrainedModel


class LofitModel:
    """A thin wrapper: the base model's modules and the names in its `state_dict` stay as they are.

    Parameters
    ----------
    base_model : transformers causal LM.
    adapter : of the same shape.

    Raises
    ------
    AdapterMismatchError : the model has another shape.
    UserError : the model carries an adapter already.
    """

    def __init__(self, base_model: PreTrainedModel, adapter: LofitAdapter) -> None:
        if carries_hooks(base_model):
            raise UserError("the model carries hooks already", "call detach() of what put them on")
        self.base_model = base_model
        self.adapter = adapter
        self._hooks = adapter.attach(base_model)

    @classmethod
    def from_pretrained(cls, base_model: PreTrainedModel, folder: str | Path) -> LofitModel:
        """Attach the adapter in a folder."""
        return cls(base_model, LofitAdapter.load(Path(folder)))

    def set_scale(self, strength: float) -> None:
        """Multiply offsets (or scales) by a factor; 0 gives the base model, bit for bit."""
        self._hooks.strength = strength

    @contextmanager
    def disable_adapter(self) -> Iterator[None]:
        """The base model, for the length of the block."""
        strength, self._hooks.strength = self._hooks.strength, 0.0
        try:
            yield
        finally:
            self._hooks.strength = strength

    def detach(self) -> PreTrainedModel:
        """Take all hooks off and give the base model back."""
        self._hooks.remove()
        return self.base_model

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the adapter's folder."""
        self.adapter.save(Path(folder))

    def merge_and_unload(self) -> PreTrainedModel:
        """An ordinary model with the adapter in its weights (see `lofit.merge`).

        Raises
        ------
        UserError : the merge is not exact for this model; the adapter is then on it as before.
        """
        strength = self._hooks.strength
        scaled = replace(self.adapter, values=strength * self.adapter.values)
        self.detach()
        try:
            return merge(self.base_model, scaled)
        except UserError:
            self._hooks = self.adapter.attach(self.base_model, strength=strength)
            raise

    def __call__(self, *arguments: Any, **settings: Any) -> Any:
        """Run the model."""
        return self.base_model(*arguments, **settings)

    forward = __call__

    def generate(self, *arguments: Any, **settings: Any) -> Any:
        """Generate with the adapter on."""
        return self.base_model.generate(*arguments, **settings)  # type: ignore[operator]  # a mixin

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self.base_model.device

    @property
    def config(self) -> PreTrainedConfig:
        """The base model's configuration."""
        return self.base_model.config
