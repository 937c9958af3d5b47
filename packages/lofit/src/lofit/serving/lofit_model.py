"""A model with adapters on it, for people who want two lines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tenpapers.errors import UserError, first_line

from ..offsets.adapter import LofitAdapter
from ..offsets.base_model import check_weights, known_weights, load_base
from ..offsets.combine import combine
from ..offsets.merge import carries_hooks, merge

if TYPE_CHECKING:
    import torch
    from peft import PeftModel
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase
    from transformers.utils import ModelOutput


class LofitModel:
    """A thin wrapper: the base model's modules and the names in its `state_dict` stay as they are.

    Parameters
    ----------
    base_model : transformers causal LM, or one in peft's wrapper; it may be spread over devices.
    adapter : of that model.
    tokenizer : of the model; kept for whoever uses this object.

    Raises
    ------
    AdapterMismatchError : the model has another shape, is of another family, or was loaded from
        other weights than the adapter's.
    UserError : the model carries an adapter already.
    """

    def __init__(
        self,
        base_model: PreTrainedModel | PeftModel,
        adapter: LofitAdapter,
        *,
        tokenizer: PreTrainedTokenizerBase | None = None,
    ) -> None:
        if carries_hooks(base_model):
            raise UserError("the model carries hooks already", "call detach() of what put them on")
        self.base_model = base_model
        self.tokenizer = tokenizer
        self.adapter = adapter
        self._check(adapter)
        self._hooks = adapter.attach(base_model)

    @classmethod
    def from_pretrained(
        cls,
        model: PreTrainedModel | PeftModel | str | Path,
        folder: str | Path | None = None,
        *,
        dtype: str | None = None,
        device: str | None = None,
    ) -> LofitModel:
        """Load an adapter with its base, or put it on a model that is loaded already.

        Parameters
        ----------
        model : the adapter's folder or its name on the hub; or a loaded model, with `folder` then.
        dtype, device : of a base that is loaded here; device "auto" spreads it over all GPUs.

        Raises
        ------
        UserError : no adapter there, or its base cannot be loaded.
        AdapterMismatchError : as `LofitModel`.
        """
        if isinstance(model, str | Path):
            if folder is not None:
                raise UserError(f"{model}: is no loaded model", "pass the adapter alone")
            found = adapter_folder(model)
            lm = load_base(found, dtype=dtype, device=device)
            return cls(lm.model, LofitAdapter.load(found), tokenizer=lm.tokenizer)
        if folder is None:
            raise UserError("which adapter?", "LofitModel.from_pretrained(model, FOLDER)")
        return cls(model, LofitAdapter.load(adapter_folder(folder)))

    def load_adapter(self, folder: str | Path, weight: float = 1.0) -> None:
        """Add another adapter of the same base to what is on the model, with a weight.

        Raises
        ------
        UserError : see `combine`.
        """
        other = LofitAdapter.load(adapter_folder(folder))
        self._check(other)
        combined = combine([self.adapter, other], [1.0, weight])
        strength = self._hooks.strength
        self._hooks.remove()
        self.adapter = combined
        self._hooks = combined.attach(self.base_model, strength=strength)

    def _check(self, adapter: LofitAdapter) -> None:
        if adapter.base_weights:
            name = str(self.base_model.config.name_or_path)
            weights = known_weights(self.base_model)
            check_weights("adapter", adapter.base_model, adapter.base_weights, name, weights)

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

    def detach(self) -> PreTrainedModel | PeftModel:
        """Take all hooks off and give the base model back."""
        self._hooks.remove()
        return self.base_model

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the adapter's folder."""
        self.adapter.save(Path(folder))

    def merge_and_unload(self) -> PreTrainedModel:
        """An ordinary model with the adapter in its weights (see `lofit.merge`).

        What the adapter does not touch is not copied: it has the base's own tensors there.

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

    def __call__(self, *arguments: object, **settings: object) -> ModelOutput:
        """Run the model."""
        return self.base_model(*arguments, **settings)

    forward = __call__

    def generate(self, *arguments: object, **settings: object) -> torch.LongTensor | ModelOutput:
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


def adapter_folder(name: str | Path) -> Path:
    """The folder of an adapter: as it is, or fetched from the hub by its name.

    Raises
    ------
    UserError : there is neither.
    """
    if Path(name).exists():
        return Path(name)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    wanted = ["adapter_config.json", "adapter_model.safetensors"]
    try:
        return Path(snapshot_download(str(name), allow_patterns=wanted))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        first = first_line(error)
        raise UserError(f"{name}: no such folder, and not on the hub: {first}") from None
