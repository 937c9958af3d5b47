"""What every intervention on disk has in common: a folder, `attach`, `remove`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from tenpapers.errors import UserError
from tenpapers.records import write_json

from ..heads.select import Examples
from ..inputs.encoding import encode
from ..offsets.adapter import (
    CONFIG,
    WEIGHTS,
    LofitAdapter,
    config_hash,
    read_adapter_config,
    read_tensors,
)
from ..records import FitConfig, FitLog
from ..training.loop import fit, frozen
from ..training.losses import make_objective
from ..training.supervised_forward import SupervisedForward


class Attached(Protocol):
    """Something that is on a model and comes off again."""

    def remove(self) -> None:
        """Leave the model as it was."""
        ...


class Intervention(Protocol):
    """A change of a model that lies in a folder."""

    def attach(self, model: Any) -> Attached:
        """Put it on a model."""
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


def load_intervention(folder: Path) -> Intervention:
    """Read whatever adapter a folder holds.

    Raises
    ------
    UserError : none, or of an unknown kind.
    """
    from .lora import LoraAdapter
    from .loreft import ReftAdapter
    from .red import RedAdapter
    from .repe import RepeAdapter

    kinds: dict[str, Any] = {
        "LOFIT": LofitAdapter,
        "REPE": RepeAdapter,
        "RED": RedAdapter,
        "LOREFT": ReftAdapter,
        "LORA": LoraAdapter,
    }
    kind = read_adapter_config(folder).get("peft_type")
    if kind not in kinds:
        raise UserError(f"{folder}: a {kind} adapter", f"one of {', '.join(kinds)} is known")
    return kinds[kind].load(folder)


def save_tensors(folder: Path, kind: str, tensors: dict[str, Any], **config: Any) -> None:
    """Write an adapter's folder: JSON and safetensors."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    plain = {name: value.detach().cpu().float().contiguous() for name, value in tensors.items()}
    save_file(plain, folder / WEIGHTS)
    write_json(folder / CONFIG, {"peft_type": kind, "format_version": 1, **config})


def load_tensors(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read an adapter's folder: config, tensors."""
    from safetensors.torch import load_file

    return read_adapter_config(folder), read_tensors(folder, load_file)


def tensors_digest(tensors: dict[str, Any], *more: Any) -> str:
    """Hash of named tensors and of settings."""
    import hashlib

    state = hashlib.sha256(repr(more).encode())
    for name in sorted(tensors):
        state.update(name.encode() + tensors[name].detach().cpu().contiguous().numpy().tobytes())
    return state.hexdigest()


def base_fields(config: Any) -> dict[str, Any]:
    """What an adapter's JSON says of its base."""
    return {
        "base_model_name_or_path": str(config.name_or_path),
        "base_config_hash": config_hash(config),
    }


def fit_attached(
    model: Any,
    tokenizer: Any,
    dataset: Examples,
    parameters: dict[str, Any],
    attach: Any,
    config: FitConfig,
    *,
    label: str,
    state: Path | None = None,
    **encoding: Any,
) -> FitLog:
    """Fit parameters that `attach()` puts on the model, with the paper's losses."""
    encoded: Sequence[Any] = encode(tokenizer, dataset, **encoding)
    with frozen(model):
        objective = make_objective(SupervisedForward(model), encoded, config.beta)
        objective.prepare()
        hooks = attach()
        try:
            identity = f"{label} {model.config.name_or_path}"
            return fit(parameters, objective, config, label=label, state=state, identity=identity)
        finally:
            hooks.remove()
