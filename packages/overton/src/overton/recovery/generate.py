"""Samples of a model by one method, kept as they come."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tenpapers.errors import UserError
from tenpapers.generation import Completion, Generator, Request, Sampling, open_generator
from tenpapers.generation.types import Message
from tenpapers.journal import Journal, RowLog, files_of, key_of, known_by
from tenpapers.records import write_json
from tenpapers.report import manifest
from tenpapers.settings import as_config

from .answers import split_summary
from .methods import METHODS, NEXT_QUERY
from .plan import Task, plan
from .settings import PENALTY, GenerateSettings

Row = dict[str, Any]
# What stands in the place of a sample that was not asked for yet.
NOT_YET = {"error": "not sampled yet", "error_type": "missing"}


@dataclass(frozen=True)
class Sampled:
    """What a run of `generate` left in its file, counted by sample.

    Parameters
    ----------
    unfinished : ended by the limit of tokens.
    empty : nothing but blanks.
    no_answer : a summary without an answer behind it (`icl-summary-cot`).
    dropped_demos : prompts that lost examples to fit the context.
    """

    questions: int
    samples: int
    failed: int
    refused: int
    filtered: int
    unfinished: int
    empty: int
    no_answer: int
    dropped_demos: int


def generate(
    settings: GenerateSettings, out: Path, *, overwrite: bool = False, wait: bool = False
) -> Sampled:
    """Sample a model on the prompts of a file, into `out`; what is there already is kept.

    Beside it `<name>.manifest.json` holds all settings.

    Raises
    ------
    UserError : `out` holds a run of another model, other settings or inputs; several samples at
        temperature 0, which would be one; what `plan` raises.
    """
    if settings.temperature == 0 and settings.n > 1:
        raise UserError(f"-n {settings.n}: greedy samples are all the same", "-n 1")
    began = time.monotonic()
    with open_generator(settings.model, cache=settings.cache) as model:
        penalty = _penalty(settings, model)
        inputs = files_of(settings)
        known = known_by(settings.model, model.backend.identity)
        key = key_of("overton generate", settings, model=known, repetition_penalty=penalty)
        with Journal.of_file(
            out, key=key, inputs=inputs, overwrite=overwrite, wait=wait
        ) as journal:
            about = f"{out.name.removesuffix('.jsonl')}.manifest.json"
            journal.claim(about)
            done = sample_into(journal, out.name, model, settings)
            config = as_config(settings) | {"repetition_penalty": penalty}
            told = manifest(
                config, seed=settings.seed, began=began, data=inputs, tokens=done.tokens
            )
            stop = list(METHODS[settings.method].stop)
            write_json(journal.file(about), told | {"stop": stop, "context": done.context})
    return counted(done.rows)


class Written(NamedTuple):
    """Rows of samples, the tokens that were generated now, and the context there was."""

    rows: list[Row]
    tokens: int
    context: int


def sample_into(
    journal: Journal, name: str, model: Generator, settings: GenerateSettings
) -> Written:
    """Sample a model into a file of a run; what it has already is kept.

    Raises
    ------
    UserError : see `plan`.
    """
    count, context = _counter(settings, model)
    tasks = plan(settings, count=count, context=context)
    with journal.rows(name, key=_key, failed=_has_failed) as log:
        tokens = _sample(model, tasks, log, settings, _penalty(settings, model))
        log.close(order=[str(task.instance.id) for task in tasks])
        return Written(list(log.rows.values()), tokens, context)


def _key(row: Row) -> str:
    return str(row["metadata"]["instance_id"])


def _has_failed(row: Row) -> bool:
    return any("error" in output for output in row["outputs"])


def _penalty(settings: GenerateSettings, model: Generator) -> float:
    """1.1 for models that are sampled here, as in the paper; a server's have none."""
    if settings.repetition_penalty is not None:
        return settings.repetition_penalty
    return 1.0 if model.backend.family in ("openai", "replay") else PENALTY


def _counter(
    settings: GenerateSettings, model: Generator
) -> tuple[Callable[[str], int] | None, int]:
    """How many tokens a prompt has, and how many there may be."""
    from tenpapers.generation.encoding import encode
    from tenpapers.models import load_tokenizer

    lm = getattr(model.backend, "lm", None)
    context = settings.context if lm is None else min(settings.context, lm.context)
    if settings.tokenizer is None and model.backend.family in ("openai", "ray", "replay"):
        return None, context
    own = lm.tokenizer if lm is not None and settings.tokenizer is None else None
    tokenizer = own or load_tokenizer(settings.tokenizer or settings.model)
    return lambda text: len(encode(tokenizer, Request(id="", prompt=text))), context


def _sample(
    model: Generator, tasks: list[Task], log: RowLog, settings: GenerateSettings, penalty: float
) -> int:
    """Ask for the samples that are missing; gives the number of tokens that came."""
    by_request: dict[str, tuple[Task, int]] = {}
    requests: list[Request] = []
    for task in log.missing(tasks, key=lambda task: str(task.instance.id)):
        if task.error:
            failed = {"error": task.error, "error_type": "validation"}
            log.write(_row(task, [failed] * settings.n))
            continue
        known = log.rows.get(str(task.instance.id), {}).get("outputs") or []
        for index in range(settings.n):
            if index < len(known) and "error" not in known[index]:
                continue
            request = _request(task, index, settings, penalty)
            by_request[request.id] = task, index
            requests.append(request)
    tokens = 0
    for done in model.stream(requests, progress=f"{settings.method}, samples"):
        task, index = by_request[done.id]
        row = log.rows.get(str(task.instance.id))
        outputs = list(row["outputs"]) if row else [NOT_YET] * settings.n
        outputs[index] = _output(done, settings)
        log.write(_row(task, outputs))
        tokens += done.n_output_tokens
    return tokens


def _request(task: Task, index: int, settings: GenerateSettings, penalty: float) -> Request:
    sampling = Sampling(
        temperature=settings.temperature,
        max_tokens=task.max_new_tokens,
        stop=METHODS[settings.method].stop,
        seed=settings.seed,
        sample=index,
        repetition_penalty=penalty,
    )
    name = f"{task.instance.id}|{index}"
    if task.prompt is not None:
        return Request(id=name, prompt=task.prompt, sampling=sampling)
    messages = tuple(Message.model_validate(dict(turn)) for turn in task.messages)
    return Request(id=name, messages=messages, sampling=sampling)


def _row(task: Task, outputs: list[Row]) -> Row:
    """A row of samples; what else the user's row has passes through."""
    fields = {name: value for name, value in task.instance.fields.items() if name != "outputs"}
    metadata = fields.pop("metadata", None)
    metadata = (metadata if isinstance(metadata, dict) else {}) | task.metadata
    messages = [dict(turn) for turn in task.instance.messages]
    return {"metadata": metadata, "messages": messages, **fields, "outputs": outputs}


def _output(done: Completion, settings: GenerateSettings) -> Row:
    """One of the `outputs` of a row."""
    if done.failed:
        return {"error": done.error, "error_type": "generation"}
    output: Row = {"generated_text": done.text, "finish_reason": done.finish_reason}
    if done.reasoning:
        output["reasoning"] = done.reasoning
    if METHODS[settings.method].stop == (NEXT_QUERY,):
        written = split_summary(done.text)
        output |= {"generated_text": written.answer, "status": written.status}
        output |= {"summary": written.summary, "raw": done.text}
    return output


def counted(rows: list[Row]) -> Sampled:
    """How many samples there are, and how they ended."""
    outputs = [output for row in rows for output in row["outputs"]]
    answered = [output for output in outputs if "error" not in output]

    def ended(reason: str) -> int:
        return sum(output["finish_reason"] == reason for output in answered)

    return Sampled(
        questions=len(rows),
        samples=len(outputs),
        failed=len(outputs) - len(answered),
        refused=ended("refused"),
        filtered=ended("filtered"),
        unfinished=ended("length"),
        empty=sum(not output["generated_text"].strip() for output in answered),
        no_answer=sum(output.get("status") == "no_answer" for output in answered),
        dropped_demos=sum("dropped_demos" in row["metadata"] for row in rows),
    )
