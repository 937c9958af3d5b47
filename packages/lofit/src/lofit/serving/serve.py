"""Completions with an adapter: by hooks in transformers, or by vLLM from a merged folder."""

from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field
from tenpapers.errors import UserError
from tenpapers.generation import CompletionCache, Generator, Request, Sampling, open_generator
from tenpapers.generation.hf import HFBackend
from tenpapers.journal import Journal, RowLog
from tenpapers.models import CausalLM
from tenpapers.records import Record

from ..baselines.load import check_base, load_intervention
from ..inputs.encoding import as_chat
from ..offsets.adapter import LofitAdapter
from ..records import Backend
from ..scoring.evaluate import intervened
from .merged_folder import merged_folder


class Prompt(Record):
    """A line of the input."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    prompt: Annotated[str, Field(min_length=1)]


class Answer(Record):
    """A line of the output."""

    id: str
    prompt: str
    completion: str
    finish_reason: str


def generate_to_file(
    prompts: list[Prompt],
    journal: Journal,
    name: str,
    lm: CausalLM,
    *,
    sampling: Sampling,
    adapter: Path | None = None,
    backend: Backend = "hf",
    strength: float = 1.0,
    chat: bool = False,
    cache: bool = True,
) -> RowLog:
    """Append what is missing in a run's file; gives the rows that are in it.

    Parameters
    ----------
    name : of the file in the journal's folder.

    Raises
    ------
    UserError : an adapter that belongs to another base, or cannot be merged for vLLM.
    """
    if adapter is not None:
        check_base(adapter, lm)
    texts = {prompt.id: prompt.prompt for prompt in prompts}
    if len(texts) < len(prompts):
        raise UserError("two prompts have the same id")
    with journal.rows(name, failed=lambda row: row["finish_reason"] == "error") as log:
        requests = [
            Request(
                id=prompt.id,
                prompt=as_chat(lm.tokenizer, prompt.prompt) if chat else prompt.prompt,
                sampling=sampling,
            )
            for prompt in log.missing(prompts)
        ]
        if backend == "vllm":
            _write(_vllm(lm, adapter, journal, strength, cache), requests, texts, log)
        else:
            intervention = load_intervention(adapter) if adapter else None
            with intervened(lm, intervention, strength) as (edited, answer_only):
                store = CompletionCache() if cache else None
                engine = Generator(HFBackend(edited, share_prefix=answer_only is None), store)
                _write(engine, requests, texts, log)
        log.close([prompt.id for prompt in prompts])
    return log


def _vllm(
    lm: CausalLM, adapter: Path | None, journal: Journal, strength: float, cache: bool
) -> Generator:
    if adapter is None:
        return open_generator(f"vllm:{lm.name}", cache=cache)
    if strength != 1.0:
        raise UserError("--scale needs --backend hf", "or scale the adapter before merging")
    folder = merged_folder(lm, LofitAdapter.load(adapter), journal)
    # The folder's name holds the hash of the adapter, so the cache never mixes two.
    return open_generator(f"vllm:{folder.resolve()}", cache=cache)


def _write(engine: Generator, requests: list[Request], texts: dict[str, str], log: RowLog) -> None:
    for completion in engine.stream(requests, progress="generate"):
        log.write(
            Answer(
                id=completion.id,
                prompt=texts[completion.id],
                completion=completion.text,
                finish_reason=completion.finish_reason,
            )
        )
