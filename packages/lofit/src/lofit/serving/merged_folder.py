"""Merged checkpoints on disk: written for ordinary loaders, or kept beside an output for vLLM."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tenpapers.errors import UserError
from tenpapers.models import CausalLM
from tenpapers.records import write_json

from ..offsets.adapter import LofitAdapter
from ..offsets.merge import merge, mergeability
from ..offsets.merge_check import MergeReport, verify_merge
from ..records import Via


def write_merged(
    lm: CausalLM,
    adapter: LofitAdapter,
    folder: Path,
    *,
    via: Via = "o_proj",
    to_llama: bool = False,
    all_positions: bool = False,
) -> None:
    """Write a model with the adapter in its weights, and its tokenizer; see `merge.merge`."""
    merged = merge(lm.model, adapter, via=via, to_llama=to_llama, all_positions=all_positions)
    merged.save_pretrained(folder)
    lm.tokenizer.save_pretrained(folder)


def check_merged(
    lm: CausalLM, adapter: LofitAdapter, folder: Path, *, all_positions: bool = False
) -> MergeReport:
    """Reload a merged folder plainly and compare it with the hooks; writes its `verify.json`."""
    report = verify_merge(lm.model, adapter, folder, lm.tokenizer, all_positions=all_positions)
    write_json(folder / "verify.json", report.as_dict())
    return report


def merged_folder(lm: CausalLM, adapter: LofitAdapter, beside: Path) -> Path:
    """Make the merged checkpoint of an adapter, once, in a hidden folder beside the output.

    Raises
    ------
    UserError : vLLM would not load the merged weights.
    """
    kind = lm.model.config.model_type
    to_llama = kind in ("mistral", "qwen2")
    if not to_llama and not mergeability(kind).vllm:
        raise UserError(f"{kind}: {mergeability(kind).how}", "use --backend hf")
    key = hashlib.sha256(f"{adapter.digest()} {lm.identity}".encode()).hexdigest()[:12]
    folder = beside.parent / f".merged-{key}"
    if not (folder / "config.json").exists():
        merged = merge(lm.model, adapter, to_llama=to_llama)
        # The configuration comes last: a folder that has one is complete.
        lm.tokenizer.save_pretrained(folder)
        merged.save_pretrained(folder)
    return folder
