"""Merged checkpoints on disk: written for ordinary loaders, or kept beside an output for vLLM."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from tenpapers.errors import UserError
from tenpapers.journal import Journal
from tenpapers.models import AttentionLayout, CausalLM
from tenpapers.models.identity import content_digest
from tenpapers.records import write_json

from ..offsets.adapter import LofitAdapter
from ..offsets.merge import merge, mergeability
from ..offsets.merge_check import MergeReport, verify_merge
from ..records import Via


class MergeOptions(Protocol):
    """What `lofit merge` is told, see `study.settings.MergeSettings`."""

    @property
    def adapter(self) -> Path:
        """Folder of the adapter."""
        ...

    @property
    def via(self) -> Via:
        """Bias that takes the offsets."""
        ...

    @property
    def to_llama(self) -> bool:
        """Whether to save as a LlamaForCausalLM."""
        ...

    @property
    def all_positions(self) -> bool:
        """Whether an ITI adapter acts at every token."""
        ...

    @property
    def verify(self) -> bool:
        """Whether to reload and compare."""
        ...

    def load_model(self) -> CausalLM:
        """The base."""
        ...


def merge_into(journal: Journal, out: Path, options: MergeOptions) -> MergeReport | None:
    """Write a model with an adapter in its weights, and its tokenizer, once; see `merge.merge`.

    Parameters
    ----------
    journal : of the folder `out`, beside it.

    Returns
    -------
    What the folder computes against the hooks, where that is to be verified; it is written into
    its `verify.json`.

    Raises
    ------
    UserError : the adapter belongs to another base; see `merge.merge`.
    """
    adapter, everywhere = LofitAdapter.load(options.adapter), options.all_positions
    lm = options.load_model()
    if not journal.has_folder(out.name):
        with journal.folder(out.name) as folder:
            merged = merge(
                lm.model,
                adapter,
                via=options.via,
                to_llama=options.to_llama,
                all_positions=everywhere,
            )
            merged.save_pretrained(folder)
            lm.tokenizer.save_pretrained(folder)
    if not options.verify:
        return None
    report = verify_merge(lm.model, adapter, out, lm.tokenizer, all_positions=everywhere)
    write_json(journal.file(str(Path(out.name, "verify.json"))), report.as_dict())
    return report


def merged_folder(lm: CausalLM, adapter: LofitAdapter, journal: Journal, place: str = ".") -> Path:
    """Make the merged checkpoint of an adapter, once, in a hidden folder of a run.

    Parameters
    ----------
    place : folder of the run in which it lies.

    Raises
    ------
    UserError : vLLM would not load the merged weights.
    """
    family = AttentionLayout.from_model(lm.model).family
    kind, to_llama = lm.model.config.model_type, family.like_llama
    if not to_llama and not mergeability(kind).vllm:
        raise UserError(f"{kind}: {mergeability(kind).how}", "use --backend hf")
    digest = content_digest([adapter.digest(), lm.identity])
    name = str(Path(place, f".merged-{digest[:12]}"))
    if not journal.has_folder(name):
        with journal.folder(name) as folder:
            merge(lm.model, adapter, to_llama=to_llama).save_pretrained(folder)
            lm.tokenizer.save_pretrained(folder)
    return journal.root / name
