"""Completions with an adapter: by hooks in transformers, or by vLLM from a merged folder."""

from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field
from tenpapers.errors import UserError
from tenpapers.generation import CompletionCache, Generator, Request, Sampling, open_generator
from tenpapers.generation.hf import HFBackend
from tenpapers.models import CausalLM
from tenpapers.records import Appender, Record, read_jsonl

from ..baselines.load import load_intervention
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
    out: Path,
    lm: CausalLM,
    *,
    sampling: Sampling,
    adapter: Path | None = None,
    backend: Backend = "hf",
    strength: float = 1.0,
    chat: bool = False,
    cache: bool = True,
) -> int:
    """Append what is missing in `out`; gives the number of completions in it.

    Raises
    ------
    UserError : an adapter that cannot be merged for vLLM.
    """
    Appender(out).close()  # makes the file, or drops a line that an earlier kill cut off
    answered = {answer.id for answer in read_jsonl(out, Answer, allow_empty=True)}
    texts = {prompt.id: prompt.prompt for prompt in prompts}
    if len(texts) < len(prompts):
        raise UserError("two prompts have the same id")
    requests = [
        Request(
            id=prompt.id,
            prompt=as_chat(lm.tokenizer, prompt.prompt) if chat else prompt.prompt,
            sampling=sampling,
        )
        for prompt in prompts
        if prompt.id not in answered
    ]
    if backend == "vllm":
        _write(_vllm(lm, adapter, out, strength, cache), requests, texts, out)
    else:
        intervention = load_intervention(adapter) if adapter else None
        with intervened(lm, intervention, strength) as (edited, answer_only):
            store = CompletionCache() if cache else None
            engine = Generator(HFBackend(edited, share_prefix=answer_only is None), store)
            _write(engine, requests, texts, out)
    return len(texts)


def _vllm(lm: CausalLM, adapter: Path | None, out: Path, strength: float, cache: bool) -> Generator:
    if adapter is None:
        return open_generator(f"vllm:{lm.name}", cache=cache)
    if strength != 1.0:
        raise UserError("--scale needs --backend hf", "or scale the adapter before merging")
    folder = merged_folder(lm, LofitAdapter.load(adapter), out)
    # The folder's name holds the hash of the adapter, so the cache never mixes two.
    return open_generator(f"vllm:{folder.resolve()}", cache=cache)


def _write(engine: Generator, requests: list[Request], texts: dict[str, str], out: Path) -> None:
    with Appender(out) as sink:
        for completion in engine.stream(requests, progress="generate"):
            sink.write(
                Answer(
                    id=completion.id,
                    prompt=texts[completion.id],
                    completion=completion.text,
                    finish_reason=completion.outcome,
                )
            )
