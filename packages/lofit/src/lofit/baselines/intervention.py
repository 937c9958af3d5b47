"""What every intervention has in common: a folder, `attach`, `remove`, the same way to train."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tenpapers.records import write_json

from ..inputs.encoding import Encoding, Examples, encode
from ..offsets.adapter import CONFIG, WEIGHTS, config_hash, read_adapter_config, read_tensors
from ..records import FitConfig, FitLog
from ..training.loop import fit, frozen
from ..training.losses import make_objective
from ..training.supervised_forward import SupervisedForward

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase


class Attached(Protocol):
    """Something that is on a model and comes off again."""

    def remove(self) -> None:
        """Leave the model as it was."""
        ...


class Intervention(Protocol):
    """A change of a model that lies in a folder."""

    def attach(self, model: PreTrainedModel, *, strength: float = 1.0) -> Attached:
        """Put it on a model; `strength` scales the change, 0 is the model as it is."""
        ...

    def save(self, folder: Path) -> None:
        """Write its folder."""
        ...

    def digest(self) -> str:
        """Hash of everything that changes the model's output."""
        ...

    @property
    def n_parameters(self) -> int:
        """How many numbers it holds."""
        ...


def save_tensors(folder: Path, kind: str, tensors: dict[str, Tensor], **config: object) -> None:
    """Write an adapter's folder: JSON and safetensors."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    plain = {name: value.detach().cpu().float().contiguous() for name, value in tensors.items()}
    save_file(plain, folder / WEIGHTS)
    write_json(folder / CONFIG, {"peft_type": kind, "format_version": 1, **config})


def load_tensors(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read an adapter's folder: config, tensors."""
    return read_adapter_config(folder), read_tensors(folder)


def tensors_digest(tensors: dict[str, Tensor], *settings: object) -> str:
    """Hash of named tensors and of settings."""
    state = hashlib.sha256(repr(settings).encode())
    for name in sorted(tensors):
        state.update(name.encode() + tensors[name].detach().cpu().contiguous().numpy().tobytes())
    return state.hexdigest()


def base_fields(config: PreTrainedConfig) -> dict[str, str]:
    """What an adapter's JSON says of its base."""
    return {
        "base_model_name_or_path": str(config.name_or_path),
        "base_config_hash": config_hash(config),
    }


def fit_attached(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    dataset: Examples,
    parameters: dict[str, Tensor],
    attach: Callable[[], Attached],
    *,
    config: FitConfig,
    label: str,
    state: Path | None = None,
    encoding: Encoding | None = None,
) -> FitLog:
    """Fit parameters that `attach()` puts on the model, with the paper's losses.

    Parameters
    ----------
    label : of the progress bar.
    state : folder in which a killed run leaves what it needs to go on.
    """
    encoded = encode(tokenizer, dataset, encoding)
    with frozen(model):
        objective = make_objective(SupervisedForward(model), encoded, config.beta)
        objective.prepare()
        hooks = attach()
        try:
            identity = f"{label} {model.config.name_or_path}"
            return fit(parameters, objective, config, label=label, state=state, identity=identity)
        finally:
            hooks.remove()
