"""CodeUpdateArena: benchmarking knowledge editing on API updates (Liu et al., 2024).

Can a code model that was edited with one update of a library function solve problems that need
the update, without reading about it? The stages are modules, in the order data passes them:
`arena` -> `prompts` -> `generate` / `editing` -> `extraction` -> `execution` -> `metrics` ->
`tables`.
"""

from importlib import import_module
from typing import Any

_PUBLIC = {
    "Arena": "arena",
    "load_arena": "arena",
    "UpdateType": "updates",
    "enforce_statements": "updates",
    "legal_update_types": "updates",
    "build_program": "programs",
    "Job": "execution",
    "Sandbox": "execution",
    "pass_at_k": "metrics",
    "aggregate": "metrics",
    "extract_code": "extraction",
    "render": "prompts",
    "EditConfig": "editing",
    "Editor": "editing",
    "TrainingText": "editing",
    "UpdateGenerator": "synth.update",
    "ProgSynGenerator": "synth.problems",
    "dedup": "deduplication",
}
__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `--help` stays fast."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'codeupdatearena' has no attribute {name!r}")
    return getattr(import_module(f".{_PUBLIC[name]}", __name__), name)
