"""Summaries of a teacher's answers, the hints of `icl-summary`; and its own demonstrations."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.generation import Completion, Generator, Request, Sampling, open_generator
from tenpapers.generation.types import Message
from tenpapers.journal import Journal, files_of, key_of, known_by

from ..inputs.matching import queries_for
from ..inputs.samples import load_samples
from ..judging.prompts import question
from ..judging.settings import SUMMARY_TOKENS
from ..records import InstanceId
from .demonstrations import demo_rows, own_demos
from .prompts import Demo
from .settings import DemoSettings, SummarizeSettings

Row = dict[str, Any]
# Of a question whose first sample failed, or is empty: nobody is asked, now or later.
NOTHING = {"error": "no response to summarise", "error_type": "no_response"}


def summarize(
    settings: SummarizeSettings, out: Path, *, overwrite: bool = False, wait: bool = False
) -> list[Row]:
    """Summarise the first sample of every question, into `out`, as rows of samples.

    Returns
    -------
    All rows; one that failed has an `error`.

    Raises
    ------
    UserError : samples without their prompts; `out` holds a run of another model, other settings or
        inputs; see `load_samples`.
    """
    samples = load_samples(settings.samples)
    texts = dict(list(samples.firsts.items())[: settings.limit])
    answered = [name for name, text in texts.items() if text]
    queries = queries_for(answered, samples, settings.instances)
    with open_generator(settings.judge, cache=settings.cache) as model:
        known = known_by(settings.judge, model.backend.identity)
        key = key_of("overton summarize", settings, judge=known)
        with (
            Journal.of_file(
                out, key=key, inputs=files_of(settings), overwrite=overwrite, wait=wait
            ) as journal,
            journal.rows(out.name, key=_key, failed=_has_failed) as log,
        ):
            by_id = {str(name): name for name in log.missing(texts, key=str)}
            requests = [
                _request(name, queries[known], text, settings.prompts, settings.seed)
                for name, known in by_id.items()
                if (text := texts[known])
            ]
            for name in by_id.values():
                if not texts[name]:
                    log.write(_row(name, None, NOTHING))
            for done in model.stream(requests, progress="summaries"):
                name = by_id[done.id]
                log.write(_row(name, queries[name], _output(done)))
            log.close(order=[str(name) for name in texts])
            return list(log.rows.values())


def make_demos(
    settings: DemoSettings, out: Path, *, overwrite: bool = False, wait: bool = False
) -> list[Demo]:
    """Let a teacher answer the three queries of the static prompts, greedily, and summarise them.

    Raises
    ------
    UserError : an answer or a summary failed or is empty; `out` holds demonstrations of another
        teacher.
    """
    with open_generator(settings.teacher, cache=settings.cache) as teacher:
        judge = settings.judge or settings.teacher
        same = judge == settings.teacher
        with (
            nullcontext(teacher) if same else open_generator(judge, cache=settings.cache) as writer
        ):
            key = key_of(
                "overton make-demos",
                settings,
                teacher=known_by(settings.teacher, teacher.backend.identity),
                judge=known_by(judge, writer.backend.identity),
            )
            with (
                Journal.of_file(
                    out, key=key, inputs=files_of(settings), overwrite=overwrite, wait=wait
                ) as journal,
                journal.rows(out.name, key=lambda row: str(row["query"])) as log,
            ):
                queries = [demo.query for demo in own_demos()]
                if missing := log.missing(queries, key=str):
                    for demo in _answered(settings, teacher, writer, missing):
                        log.write(*demo_rows([demo]))
                log.close(order=queries)
                return [Demo(**row) for row in log.rows.values()]


def _answered(
    settings: DemoSettings, teacher: Generator, writer: Generator, queries: list[str]
) -> Iterator[Demo]:
    sampling = Sampling(max_tokens=settings.max_new_tokens, seed=settings.seed)
    asked = [
        Request(id=query, messages=(Message(role="user", content=query),), sampling=sampling)
        for query in queries
    ]
    answers = [_said(done) for done in teacher.generate(asked, progress="answers")]
    wanted = [
        _request(query, query, answer, settings.prompts, settings.seed)
        for query, answer in zip(queries, answers, strict=True)
    ]
    for query, answer, done in zip(
        queries, answers, writer.generate(wanted, progress="summaries"), strict=True
    ):
        yield Demo(query, answer, _said(done))


def _said(done: Completion) -> str:
    text = done.text.strip()
    if done.failed or not text:
        raise UserError(f"no answer to {done.id[:60]!r}: {done.outcome}", "run it again")
    return text


def _request(name: str, query: str, response: str, folder: Path | None, seed: int) -> Request:
    messages = question("summary", query, response, folder=folder)
    sampling = Sampling(max_tokens=SUMMARY_TOKENS, seed=seed)
    return Request(id=name, messages=messages, sampling=sampling)


def _key(row: Row) -> str:
    return str(row["metadata"]["instance_id"])


def _has_failed(row: Row) -> bool:
    return any(output.get("error_type") == "generation" for output in row["outputs"])


def _output(done: Completion) -> Row:
    if done.failed:
        return {"error": done.error, "error_type": "generation"}
    return {"generated_text": done.text.strip(), "finish_reason": done.finish_reason}


def _row(name: InstanceId, query: str | None, output: Row) -> Row:
    """A summary with the query whose answer it is of, by which it is found again."""
    asked = {} if query is None else {"messages": [{"role": "user", "content": query}]}
    return {"metadata": {"instance_id": name}, **asked, "outputs": [output]}
