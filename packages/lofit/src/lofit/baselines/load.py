"""Whatever adapter a folder holds."""

from collections.abc import Callable
from pathlib import Path

from tenpapers.errors import UserError
from tenpapers.models import CausalLM, parse_spec
from tenpapers.records import read_json, write_json

from ..heads.ranking import AdapterMismatchError
from ..offsets.adapter import CONFIG, LofitAdapter, read_adapter_config
from .intervention import Intervention
from .lora import LoraAdapter
from .loreft import ReftAdapter
from .red import RedAdapter
from .repe import RepeAdapter

_LOADERS: dict[str, Callable[[Path], Intervention]] = {
    "LOFIT": LofitAdapter.load,
    "REPE": RepeAdapter.load,
    "RED": RedAdapter.load,
    "LOREFT": ReftAdapter.load,
    "LORA": LoraAdapter.load,
}


def load_intervention(folder: Path) -> Intervention:
    """Read the adapter in a folder.

    Raises
    ------
    UserError : none, or of an unknown kind.
    """
    kind = read_adapter_config(folder).get("peft_type")
    if kind not in _LOADERS:
        raise UserError(f"{folder}: a {kind} adapter", f"one of {', '.join(_LOADERS)} is known")
    return _LOADERS[kind](folder)


# peft's own folder has a configuration that peft alone writes; what it belongs to lies beside it.
_BASE = "base.json"


def record_base(folder: Path, lm: CausalLM) -> None:
    """Write into an adapter's folder which weights it belongs to."""
    config = read_adapter_config(folder)
    file = folder / (_BASE if config.get("peft_type") == "LORA" else CONFIG)
    content = read_json(file) if file.exists() else {}
    named = {"base_model_name_or_path": lm.name, "base_weights": lm.weights}
    write_json(file, content | named)


def _base(folder: Path) -> tuple[str, str]:
    """Name and weights of an adapter's base, "" where they are not known."""
    config = read_adapter_config(folder)
    if (folder / _BASE).exists():
        config |= read_json(folder / _BASE)
    return config.get("base_model_name_or_path") or "", config.get("base_weights") or ""


def base_spec(adapter: Path | None) -> str:
    """Model spec of an adapter's own base; the embedded model without an adapter.

    Raises
    ------
    UserError : no adapter in the folder.
    """
    name = (_base(adapter)[0] if adapter else "") or "smollm2"
    try:
        parse_spec(name)
    except UserError:  # the id of a hub's model
        return f"hf:{name}"
    return name


def check_base(adapter: Path, lm: CausalLM) -> None:
    """Refuse an adapter that says that it belongs to other weights.

    Raises
    ------
    AdapterMismatchError : it does.
    """
    name, weights = _base(adapter)
    if weights and lm.weights and weights != lm.weights:
        raise AdapterMismatchError(
            f"{adapter}: belongs to other weights than {lm.name}",
            f"it was trained on {name}, as that was then",
        )
