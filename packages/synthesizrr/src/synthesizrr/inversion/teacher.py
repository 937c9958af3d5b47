"""The teacher at work: prompts in, one generation a prompt out, appended as they come."""

import hashlib
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenpapers.generation import Completion, Generator, Request, Sampling
from tenpapers.journal import Journal, RowLog

from ..inputs.task import Task
from ..records import Generation, IclRow, InputRow, text_digest
from .planning import GenerateConfig, Prompt, plan_prompts, shared_share
from .prices import cost_usd
from .prompts import prompt_text, stop_sequences

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# Endings in the words of a report.
_ENDED = {"stop": "complete", "length": "cut by the token limit"}


def generate(
    rows: Sequence[InputRow],
    icl: Sequence[IclRow],
    task: Task,
    teacher: Generator,
    config: GenerateConfig,
    *,
    log: RowLog,
    tokenizer: "PreTrainedTokenizerBase",
    window: int | None = None,
    progress: str | None = "generate",
) -> dict[str, Any]:
    """Ask the teacher for every input; `log` is appended to, and what it has is not asked again.

    Parameters
    ----------
    window : longest sequence of the teacher, see `context_window`.

    Returns
    -------
    What `complete` returns, the share of shared prompt tokens, and how many inputs are too long
    for the window and were not asked.

    Raises
    ------
    UserError : what `plan_prompts` raises.
    """
    planned = plan_prompts(rows, icl, task, config, tokenizer, window=window)
    prompts = [prompt for prompt in planned if not prompt.too_long]
    counts = complete(prompts, task, teacher, config, log, progress=progress)
    return counts | {
        "too_long": len(planned) - len(prompts),
        "shared_prompt_share": round(shared_share(prompts), 4),
    }


def told(counts: Mapping[str, Any]) -> str:
    """Counts in words: every input is in one of the numbers."""
    endings = counts["endings"]
    ended = ", ".join(f"{count} {_ENDED.get(name, name)}" for name, count in endings.items())
    too_long = counts.get("too_long", 0)
    parts = [
        f"{counts['asked']} asked, {counts['done_before']} done before, {counts['failed']} failed",
        f"{too_long} too long for the model's window and not asked" if too_long else "",
        ended,
    ]
    return "; ".join(part for part in parts if part)


def told_rounds(counts: Mapping[str, Any]) -> str:
    """Counts of a baseline in words, a line for each of its rounds, and its other numbers."""
    lines = [f"{name}: {told(part)}" for name, part in counts.items() if "asked" in _part(part)]
    if "asked" in counts:
        lines.append(told(counts))
    others = [f"{name} {counts[name]}" for name in ("pool", "kept") if name in counts]
    return "\n".join([*lines, *([", ".join(others)] if others else [])])


def _part(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


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
    asked, done_before, failed, prompt_tokens, output_tokens, `endings` (how many of all answers
    ended in which way), and cost_usd where a price is known.
    """
    waiting = log.missing(prompts, key=lambda prompt: prompt.row.id)
    by_id = {prompt.row.id: prompt for prompt in waiting}
    counts: dict[str, Any] = {
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
    endings = Counter(log.rows[name]["finish_reason"] for name in own if name in log.rows)
    counts["endings"] = dict(sorted(endings.items()))
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
        stop=stop_sequences(task, config.style),
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
        "icl_sha256": [text_digest(shot.example_text) for shot in prompt.shots],
        "shots_used": len(prompt.shots),
        "generation": done.text,
        "finish_reason": done.finish_reason,
        "model": model,
        "temperature": config.temperature,
        "top_p": config.top_p,
        "seed": config.seed,
    }
    return Generation(**(prompt.row.model_dump() | written))
