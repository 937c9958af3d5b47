"""Completions with an adapter: by hooks in transformers, or by vLLM from a merged folder."""

import hashlib
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field
from tenpapers.errors import UserError
from tenpapers.generation import CompletionCache, Generator, Request, Sampling, open_generator
from tenpapers.generation.hf import HFBackend
from tenpapers.models import CausalLM
from tenpapers.records import Appender, Record, read_jsonl

from ..baselines.common import load_intervention
from ..inputs.encoding import as_chat
from ..offsets.adapter import LofitAdapter
from ..offsets.merge import merge, mergeability
from ..scoring.evaluate import intervened


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
    key = hashlib.sha256(f"{adapter.digest()} {lm.name} {lm.revision}".encode()).hexdigest()[:12]
    folder = beside.parent / f".merged-{key}"
    if not (folder / "config.json").exists():
        made = merge(lm.model, adapter, to_llama=to_llama)
        lm.tokenizer.save_pretrained(folder)
        made.save_pretrained(folder)
    return folder


def generate_to_file(
    prompts: list[Prompt],
    out: Path,
    lm: CausalLM,
    *,
    adapter: Path | None,
    backend: str,
    max_tokens: int,
    temperature: float,
    scale: float,
    seed: int,
    chat: bool,
    cache: bool,
) -> int:
    """Append what is missing in `out`; gives the number of completions in it.

    Raises
    ------
    UserError : unknown backend, or an adapter that cannot be merged for vLLM.
    """
    if backend not in ("hf", "vllm"):
        raise UserError(f"--backend {backend}: unknown", "hf or vllm")
    Appender(out).close()  # makes the file, or drops a line that an earlier kill cut off
    done = {answer.id for answer in read_jsonl(out, Answer, allow_empty=True)}
    sampling = Sampling(max_tokens=max_tokens, temperature=temperature, seed=seed)
    texts = {p.id: p.prompt for p in prompts}
    if len(texts) < len(prompts):
        raise UserError("two prompts have the same id")
    requests = [
        Request(
            id=p.id, prompt=as_chat(lm.tokenizer, p.prompt) if chat else p.prompt, sampling=sampling
        )
        for p in prompts
        if p.id not in done
    ]
    if backend == "vllm":
        _write(_vllm(lm, adapter, out, scale, cache), requests, texts, out)
    else:
        intervention = load_intervention(adapter) if adapter else None
        with intervened(lm, intervention, scale) as (edited, partial):
            store = CompletionCache() if cache else None
            engine = Generator(HFBackend(edited, share_prefix=partial is None), store)
            _write(engine, requests, texts, out)
    return len(texts)


def _vllm(lm: CausalLM, adapter: Path | None, out: Path, scale: float, cache: bool) -> Any:
    if adapter is None:
        return open_generator(f"vllm:{lm.name}", cache=cache)
    if scale != 1.0:
        raise UserError("--scale needs --backend hf", "or scale the adapter before merging")
    folder = merged_folder(lm, LofitAdapter.load(adapter), out)
    # The folder's name holds the hash of the adapter, so the cache never mixes two.
    return open_generator(f"vllm:{folder.resolve()}", cache=cache)


def _write(engine: Any, requests: list[Request], texts: dict[str, str], out: Path) -> None:
    with Appender(out) as sink:
        for completion in engine.stream(requests, progress="generate"):
            sink.write(
                Answer(
                    id=completion.id,
                    prompt=texts[completion.id],
                    completion=completion.text,
                    finish_reason=completion.finish_reason,
                )
            )
