"""What `train` leaves in a folder: weights, a state that says how to put them on, and on what."""

from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.models.identity import adapter_identity, content_digest, file_identity
from tenpapers.records import read_json

STATE = "train_state.json"
ATTENTION = "attention.safetensors"
LORA = ("adapter_config.json", "adapter_model.safetensors", "README.md")
# What of the state changes what the tuned model computes.
_COMPUTED = ("theta", "context_tokens", "base_weights")


def read_state(adapter: Path) -> dict[str, Any]:
    """What `train` wrote beside its weights.

    Raises
    ------
    UserError : no such folder, or none that `train` wrote.
    """
    if not adapter.is_dir():
        raise UserError(f"{adapter}: no such folder")
    if not (adapter / STATE).is_file():
        raise UserError(f"{adapter}: no {STATE} in it", "a folder that `train` wrote is wanted")
    state: dict[str, Any] = read_json(adapter / STATE)
    return state


def tuned_identity(adapter: Path) -> str:
    """Hash what a tuning adds to its base: weights, LoRA's settings, the extension of the context.

    Raises
    ------
    UserError : see `read_state`; no weights in it (pickle files are not loaded).
    """
    state = read_state(adapter)
    whole = adapter / ATTENTION
    weights = file_identity(whole) if whole.is_file() else adapter_identity(str(adapter))
    content = [weights, *(state.get(name) for name in _COMPUTED)]
    return content_digest(content)
