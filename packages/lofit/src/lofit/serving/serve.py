"""Completions with an adapter: by hooks in transformers, or by vLLM from a merged folder."""

from dataclasses import replace
from pathlib import Path

from pydantic import ConfigDict
from tenpapers.errors import UserError
from tenpapers.generation import CompletionCache, Generator, Request, Sampling, open_generator
from tenpapers.generation.hf import HFBackend
from tenpapers.generation.types import Message
from tenpapers.journal import Journal, RowLog
from tenpapers.models import CausalLM
from tenpapers.records import Record

from ..baselines.load import load_intervention
from ..inputs.encoding import request
from ..offsets.adapter import LofitAdapter
from ..records import Asked, Backend, Text
from ..scoring.evaluation import intervened
from .merged_folder import merged_folder


class Prompt(Record):
    """A line of the input: a prompt, or `messages` whose last one it is; other fields come back."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: str
    prompt: Text
    messages: tuple[Message, ...] = ()

    @property
    def asked(self) -> Asked:
        """What the model gets."""
        return self.messages or self.prompt


class Answer(Record):
    """A line of the output."""

    model_config = ConfigDict(frozen=True, extra="allow")

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
    by_id = {prompt.id: prompt for prompt in prompts}
    if len(by_id) < len(prompts):
        raise UserError("two prompts have the same id")
    with journal.rows(name, failed=lambda row: row["finish_reason"] == "error") as log:
        requests = [
            request(lm.tokenizer, prompt.id, prompt.asked, chat=chat, sampling=sampling)
            for prompt in log.missing(prompts)
        ]
        if backend == "vllm":
            _write(_vllm(lm, adapter, journal, strength, cache), requests, by_id, log)
        else:
            intervention = load_intervention(adapter) if adapter else None
            with intervened(lm, intervention, strength) as (edited, answer_only):
                store = CompletionCache() if cache else None
                engine = Generator(HFBackend(edited, share_prefix=answer_only is None), store)
                _write(engine, requests, by_id, log)
        log.close([prompt.id for prompt in prompts])
    return log


def _vllm(
    lm: CausalLM, adapter: Path | None, journal: Journal, strength: float, cache: bool
) -> Generator:
    if adapter is None:
        return open_generator(f"vllm:{lm.name}", cache=cache)
    whole = LofitAdapter.load(adapter)
    folder = merged_folder(lm, replace(whole, values=strength * whole.values), journal)
    # The folder's name holds the hash of the adapter, so the cache never mixes two.
    return open_generator(f"vllm:{folder.resolve()}", cache=cache)


def _write(
    engine: Generator, requests: list[Request], prompts: dict[str, Prompt], log: RowLog
) -> None:
    for completion in engine.stream(requests, progress="generate"):
        prompt = prompts[completion.id]
        row = {
            "id": completion.id,
            "prompt": prompt.prompt,
            "completion": completion.text,
            "finish_reason": completion.finish_reason,
        }
        log.write(Answer.model_validate({**(prompt.model_extra or {}), **row}))
