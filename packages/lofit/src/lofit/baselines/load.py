"""Whatever adapter a folder holds."""

from collections.abc import Callable
from pathlib import Path

from tenpapers.errors import UserError

from ..offsets.adapter import LofitAdapter, read_adapter_config
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
