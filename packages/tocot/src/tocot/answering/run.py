"""Prompts to a model, answers extracted and graded, appended as they come."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tenpapers.errors import UserError
from tenpapers.generation import Completion, Generator, Request, Sampling
from tenpapers.journal import RowLog

from ..extraction.extract import extract
from ..inputs.task_registry import TaskSpec, task_spec
from ..records import Demos, Extraction, Output, TaskItem, Turn
from ..scoring.grade import grade
from .judge import Judge
from .output_log import outputs_in
from .prompts import Prompt, build_messages
from .settings import Style

SEED = 42  # sent to servers, as in the official runs


@dataclass(frozen=True)
class Job:
    """One prompt of one item in one setting."""

    item: TaskItem
    setting: str
    prompt: Prompt

    @property
    def id(self) -> str:
        """Of the request: unique over settings."""
        return f"{self.setting}|{self.item.id}"

    def request(self) -> Request:
        """What is sent: greedy, one sample."""
        sampling = Sampling(
            temperature=0.0,
            max_tokens=self.prompt.max_new_tokens,
            stop_pattern=self.prompt.stop,
            seed=SEED,
        )
        return Request(id=self.id, messages=tuple(self.prompt.messages), sampling=sampling)


def plan_jobs(
    items: Sequence[TaskItem],
    settings: Sequence[str],
    *,
    style: Style = "unified",
    demos: Demos = (),
    variant: str = "steps",
    folder: Path | None = None,
    budgets: tuple[int, int] | None = None,
    small_window: bool = False,
) -> list[Job]:
    """Prompts of all items, one setting after the other: settings never share a batch.

    Raises
    ------
    UserError : what `build_messages` raises.
    """
    jobs = []
    for setting in settings:
        budget = budgets[setting.endswith("cot")] if budgets else None
        for item in items:
            spec = task_spec(item.task)
            shown = _demos_of(demos, item)[: spec.shown(setting, small_window=small_window)]
            prompt = build_messages(
                item,
                setting,
                style,
                shown,
                variant=variant,
                folder=folder,
                budget=budget or spec.new_tokens(setting, small_window=small_window),
            )
            jobs.append(Job(item, setting, prompt))
    return jobs


def _demos_of(demos: Demos, item: TaskItem) -> Sequence[TaskItem]:
    """Demonstrations of an item: those of its subject or formula where there are such."""
    if isinstance(demos, Mapping):
        return demos.get(item.demo_key, ())
    return demos


def run(
    model: Generator,
    items: Sequence[TaskItem],
    settings: Sequence[str],
    log: RowLog,
    *,
    style: Style = "unified",
    demos: Demos = (),
    variant: str = "steps",
    folder: Path | None = None,
    budgets: tuple[int, int] | None = None,
    small_window: bool = False,
    deadline: float | None = None,
    batch: int = 16,
    judge: Judge | None = None,
    progress: bool = True,
) -> list[Output]:
    """Answer items in all settings and grade the answers.

    What is answered in `log` is not asked again, but for requests that failed.

    Parameters
    ----------
    log : outputs of one task, see `output_log.open_outputs`.
    budgets : new tokens of both arms; None for the task's.
    small_window : budgets and demonstrations that fit 4,096 tokens.
    deadline : `time.monotonic()` after which no further batch is begun.
    batch : requests between two looks at the clock.
    judge : grades what strings cannot (free replies, short answers on a miss).

    Returns
    -------
    All outputs in `log`.

    Raises
    ------
    UserError : items of several tasks; free replies without a judge; what `plan_jobs` raises.
    """
    tasks = {item.task for item in items}
    if len(tasks) != 1:
        raise UserError(f"one task a file: {', '.join(sorted(tasks)) or 'none'}")
    spec = task_spec(tasks.pop())
    require_judge(spec, judge)
    jobs = plan_jobs(
        items,
        settings,
        style=style,
        demos=demos,
        variant=variant,
        folder=folder,
        budgets=budgets,
        small_window=small_window,
    )
    waiting = log.missing(jobs)
    grader = _Grader(spec, Path(model.backend.model).name, judge)
    for setting in settings:
        own = [job for job in waiting if job.setting == setting]
        size = len(own) if deadline is None else batch
        for start in range(0, len(own), max(1, size)):
            if deadline is not None and time.monotonic() > deadline:
                break
            for row in _answered(model, own[start : start + size], grader, progress):
                log.write(row)
    return outputs_in(log)


def require_judge(spec: TaskSpec, judge: object | None) -> None:
    """Stop before anything is asked where nobody could grade the replies.

    Raises
    ------
    UserError : a task of free replies, and no judge.
    """
    if spec.kind == "judge" and judge is None:
        raise UserError(f"task {spec.name}: its replies need a judge", "--judge MODEL")


@dataclass(frozen=True)
class _Grader:
    """What all answers of a run are graded with."""

    spec: TaskSpec
    model: str
    judge: Judge | None


def _answered(
    model: Generator, jobs: Sequence[Job], grader: _Grader, progress: bool
) -> Iterator[Output]:
    by_id = {job.id: job for job in jobs}
    label = f"{grader.spec.name}, {jobs[0].setting}" if progress and jobs else None
    began = time.monotonic()
    for done in model.stream([job.request() for job in jobs], progress=label):
        yield _graded(by_id[done.id], done, grader, time.monotonic() - began)


def _graded(job: Job, done: Completion, grader: _Grader, seconds: float) -> Output:
    """An answer, extracted and graded; where the model or the judge failed, an errored row."""
    item, prompt, spec = job.item, job.prompt, grader.spec
    response = prompt.prefill + done.text
    found = Extraction(None, None, "errored")
    correct, said = False, None
    if not done.failed:
        truncated = done.finish_reason == "length"
        found = extract(response, item.public(), spec, truncated=truncated)
        free = item.answer_kind == "judge"  # only a judge can grade it
        correct = found.parsed and not free and grade(found, item.gold, item.answer_kind)
        if grader.judge is not None and found.parsed and not correct:
            said = grader.judge(item, found)
    problem = said.problem if said else ""
    return Output(
        id=item.id,
        task=item.task,
        model=grader.model,
        setting=job.setting,
        messages=[Turn(role=turn.role, content=turn.content) for turn in prompt.messages],
        prefill=prompt.prefill,
        response=None if done.failed else response,
        finish_reason=f"judge: {problem}" if problem else reason(done),
        prompt_tokens=done.n_prompt_tokens,
        new_tokens=done.n_output_tokens,
        seconds=round(seconds, 3),
        answer=found.answer,
        span=found.span,
        rule=found.rule,
        correct=correct or bool(said and said.correct),
        judged=said.correct if said else None,
        parsed=found.parsed,
        errored=done.failed or bool(problem),
        choices=item.choices,
        answer_kind=item.answer_kind,
        gold=item.gold,
        question=item.question,
        category=spec.category,
        group=spec.group,
        subject=str(item.meta.get("subject", "")),
    )


def reason(done: Completion) -> str:
    """How an answer ended: stop, length, too_long (never sent), or what failed."""
    # A failed request whose prompt was counted was held back: it does not fit the context.
    return "too_long" if done.failed and done.n_prompt_tokens else done.outcome
