"""The teacher at work: prompts in, one generation a prompt out, appended as they come."""

import hashlib
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ConfigDict, Field
from tenpapers.generation import Completion, Generator, Request, Sampling
from tenpapers.generation.types import Message
from tenpapers.journal import Journal, RowLog

from ..inputs.task import Task
from ..records import Generation, IclRow, InputRow
from .prices import cost_usd
from .prompts import Mode, Style, prompt_text, render_prompt, stop_sequences
from .shots import group_shots

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# Longest prompt in tokens, as in the official runs.
MAX_PROMPT_TOKENS = 4000


@dataclass(frozen=True)
class GenerateConfig:
    """How prompts are made and answers are sampled."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    mode: Mode = "retricl"
    shots: Annotated[
        int, Field(ge=0), typer.Option(help="Demonstrations a prompt; 0 for none.", min=0)
    ] = 3
    style: Annotated[
        Style, typer.Option(help="Text to go on with, turns as text, or the model's own template.")
    ] = "plain"
    icl_groups: Annotated[
        int | None,
        Field(ge=1),
        typer.Option(help="Sets of demonstrations a label [one a prompt].", min=1),
    ] = None
    temperature: Annotated[float, Field(ge=0), typer.Option(help="0 is greedy.", min=0)] = 0.95
    top_p: Annotated[
        float,
        Field(gt=0, le=1),
        typer.Option(help="Nucleus; 1 is not sent, for services that take one of both.", max=1),
    ] = 0.9
    max_new_tokens: Annotated[
        int | None, Field(ge=1), typer.Option(help="Tokens of an answer [the task's].", min=1)
    ] = None
    max_prompt_tokens: Annotated[
        int,
        Field(ge=16),
        typer.Option(help="Whole demonstrations go from the front until it fits.", min=16),
    ] = MAX_PROMPT_TOKENS
    seed: Annotated[int, typer.Option(help="Seed of the demonstrations and the sampling.")] = 42


@dataclass(frozen=True)
class Prompt:
    """A prompt that fits, its input, and the demonstrations that are left in it."""

    row: InputRow
    shots: tuple[IclRow, ...]
    content: str | list[Message]
    n_tokens: int


def plan_prompts(
    rows: Sequence[InputRow],
    icl: Sequence[IclRow],
    task: Task,
    config: GenerateConfig,
    tokenizer: "PreTrainedTokenizerBase",
) -> list[Prompt]:
    """All prompts, those with the same demonstrations together, longer ones first.

    Raises
    ------
    UserError : more shots than a pool has, a label without verbalizer.
    """
    chosen = group_shots(rows, icl, config.shots, config.icl_groups, config.seed)
    prompts = [_fitted(row, chosen[row.id], task, config, tokenizer) for row in rows]
    return sorted(
        prompts,
        key=lambda prompt: (
            prompt.row.label,
            [shot.id for shot in prompt.shots],
            -prompt.n_tokens,
            prompt.row.id,
        ),
    )


def _fitted(
    row: InputRow,
    shots: Sequence[IclRow],
    task: Task,
    config: GenerateConfig,
    tokenizer: "PreTrainedTokenizerBase",
) -> Prompt:
    """Whole demonstrations are dropped from the front; the target's document is never cut."""
    left = list(shots)
    while True:
        content = render_prompt(task, config.mode, row.label, row.context, left, config.style)
        n_tokens = len(tokenizer(prompt_text(content), add_special_tokens=False)["input_ids"])
        if not left or n_tokens <= config.max_prompt_tokens:
            return Prompt(row, tuple(left), content, n_tokens)
        left = left[1:]


def shared_share(prompts: Sequence[Prompt], tokenizer: "PreTrainedTokenizerBase") -> float:
    """Share of all prompt tokens that a prefix cache has to compute only once."""
    total = sum(prompt.n_tokens for prompt in prompts)
    saved = 0
    previous: list[int] = []
    for prompt in prompts:
        ids = tokenizer(prompt_text(prompt.content), add_special_tokens=False)["input_ids"]
        same = 0
        while same < min(len(ids), len(previous)) and ids[same] == previous[same]:
            same += 1
        saved += same
        previous = ids
    return saved / total if total else 0.0


def generate(
    rows: Sequence[InputRow],
    icl: Sequence[IclRow],
    task: Task,
    teacher: Generator,
    config: GenerateConfig,
    *,
    log: RowLog,
    tokenizer: "PreTrainedTokenizerBase",
    progress: str | None = "generate",
) -> dict[str, Any]:
    """Ask the teacher for every input; `log` is appended to, and what it has is not asked again.

    Returns
    -------
    What `complete` returns, and the share of shared prompt tokens.

    Raises
    ------
    UserError : what `plan_prompts` raises.
    """
    prompts = plan_prompts(rows, icl, task, config, tokenizer)
    counts = complete(prompts, task, teacher, config, log, progress=progress)
    return counts | {"shared_prompt_share": round(shared_share(prompts, tokenizer), 4)}


def open_generations(journal: Journal, name: str) -> RowLog:
    """Open a file of generations that grows as they come."""
    return journal.rows(name)


def requests_in(counts: Mapping[str, Any]) -> tuple[int, int]:
    """Requests that failed, and those that were asked, of counts with rounds among them."""
    parts = [requests_in(part) for part in counts.values() if isinstance(part, Mapping)]
    failed = counts.get("failed", 0) + sum(part[0] for part in parts)
    return failed, counts.get("asked", 0) + sum(part[1] for part in parts)


def complete(
    prompts: Sequence[Prompt],
    task: Task,
    teacher: Generator,
    config: GenerateConfig,
    log: RowLog,
    *,
    progress: str | None = "generate",
) -> dict[str, Any]:
    """Append the generations of those prompts that `log` does not have yet.

    A request that failed leaves no row, and the next run asks it again.

    Parameters
    ----------
    log : see `open_generations`; closed at the end, these prompts last and in their order.

    Returns
    -------
    asked, done_before, failed, prompt_tokens, output_tokens, and cost_usd where a price is known.
    """
    waiting = log.missing(prompts, key=lambda prompt: prompt.row.id)
    by_id = {prompt.row.id: prompt for prompt in waiting}
    counts = {
        "asked": len(waiting),
        "done_before": len(prompts) - len(waiting),
        "failed": 0,
        "prompt_tokens": 0,
        "output_tokens": 0,
    }
    name = f"{teacher.backend.family}:{Path(teacher.backend.model).name}"
    for done in _answers(teacher, waiting, task, config, progress):
        if done.failed:
            counts["failed"] += 1
            continue
        counts["prompt_tokens"] += done.n_prompt_tokens
        counts["output_tokens"] += done.n_output_tokens
        log.write(_generation(by_id[done.id], done, config, name))
    own = {prompt.row.id: None for prompt in prompts}
    log.close(order=[*(name for name in log.rows if name not in own), *own])
    cost = cost_usd(name, counts["prompt_tokens"], counts["output_tokens"])
    return counts | ({} if cost is None else {"cost_usd": round(cost, 4)})


def _answers(
    teacher: Generator,
    prompts: Sequence[Prompt],
    task: Task,
    config: GenerateConfig,
    progress: str | None,
) -> Iterator[Completion]:
    """In process each group of equal demonstrations is one call, so that its prefix runs once.

    Engines and services find shared prefixes themselves, so they get everything at once.
    """
    from tqdm import tqdm

    requests = [_request(prompt, task, config) for prompt in prompts]
    if teacher.backend.family != "hf" or config.icl_groups is None:
        yield from teacher.stream(requests, progress=progress)
        return
    groups: dict[tuple[str, ...], list[Request]] = {}
    for prompt, request in zip(prompts, requests, strict=True):
        key = (prompt.row.label, *(shot.id for shot in prompt.shots))
        groups.setdefault(key, []).append(request)
    with tqdm(total=len(requests), desc=progress, unit="req", disable=progress is None) as bar:
        for group in groups.values():
            for done in teacher.stream(group):
                bar.update()
                yield done


def _request(prompt: Prompt, task: Task, config: GenerateConfig) -> Request:
    sampling = Sampling(
        temperature=config.temperature,
        top_p=config.top_p,
        max_tokens=config.max_new_tokens or task.max_new_tokens,
        stop=stop_sequences(task),
        seed=(config.seed * 1_000_003 + zlib.crc32(prompt.row.id.encode())) % (1 << 31),
    )
    if isinstance(prompt.content, str):
        return Request(id=prompt.row.id, prompt=prompt.content, sampling=sampling)
    return Request(id=prompt.row.id, messages=tuple(prompt.content), sampling=sampling)


def _generation(prompt: Prompt, done: Completion, config: GenerateConfig, model: str) -> Generation:
    digest = hashlib.sha256(prompt_text(prompt.content).encode()).hexdigest()
    written: dict[str, Any] = {
        "prompt_sha256": digest,
        "icl_ids": [shot.id for shot in prompt.shots],
        "shots_used": len(prompt.shots),
        "generation": done.text,
        "finish_reason": done.finish_reason,
        "model": model,
        "temperature": config.temperature,
        "top_p": config.top_p,
        "seed": config.seed,
    }
    return Generation(**(prompt.row.model_dump() | written))
