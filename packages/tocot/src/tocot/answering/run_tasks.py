"""Several tasks at once: their prompts without a model, or a model's graded answers."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tenpapers.generation import Generator, open_generator
from tenpapers.journal import Journal, RowLog, files_of, key_of, known_by

from ..inputs.demonstrations import task_items
from ..inputs.task_registry import task_spec
from ..records import Demos, Graded, TaskItem
from ..scoring.score_responses import score_output
from .judge import Judge, model_judge
from .label_likelihood import run_logprob
from .output_log import close_in_order, items_key, open_outputs
from .run import Job, plan_jobs, require_judge, run
from .settings import PromptSettings, RunSettings, two_budgets


def prompts_of(settings: PromptSettings) -> list[dict[str, Any]]:
    """The prompts of all tasks, one record an item and setting, as JSON values.

    Raises
    ------
    UserError : no tasks; what `task_items` and `plan_jobs` raise.
    """
    rows = []
    for task in settings.task_names:
        items, demos = _items_of(task, settings)
        jobs = plan_jobs(
            items,
            settings.setting_names,
            style=settings.style,
            demos=demos,
            folder=settings.prompts,
            small_window=settings.small_window,
        )
        rows += [_prompt_row(job) for job in jobs]
    return rows


def _prompt_row(job: Job) -> dict[str, Any]:
    prompt = job.prompt
    return {
        "id": job.item.id,
        "task": job.item.task,
        "setting": job.setting,
        "messages": [message.model_dump() for message in prompt.messages],
        "prefill": prompt.prefill,
        "max_new_tokens": prompt.max_new_tokens,
        "stop": prompt.stop,
    }


def run_tasks(
    settings: RunSettings, out: Path, *, overwrite: bool = False, wait: bool = False
) -> list[Graded]:
    """Answer all tasks, each into `out/outputs/<task>.jsonl`, and grade what stands there.

    Parameters
    ----------
    overwrite : ask anew what an earlier run answered.
    wait : for another process that works in `out`.

    Raises
    ------
    UserError : no tasks; `out` holds a run of another model, other settings or inputs; what
        `task_items`, `run` and `run_logprob` raise.
    """
    for name in settings.task_names:
        require_judge(task_spec(name), settings.judge)
    names = settings.task_names
    two_budgets(settings.budgets)
    items = {name: _items_of(name, settings) for name in names}
    with ExitStack() as opened:
        model = opened.enter_context(open_generator(settings.model, cache=settings.cache))
        judge = model
        if settings.judge not in (None, settings.model):
            judge = opened.enter_context(open_generator(str(settings.judge)))
        journal = Journal(
            out,
            key=key_of(
                "tocot run",
                settings,
                model=known_by(settings.model, model.backend.identity),
                judge=settings.judge and known_by(settings.judge, judge.backend.identity),
                items=items_key(settings.data, items),
            ),
            inputs=files_of(settings),
            overwrite=overwrite,
            wait=wait,
        )
        opened.enter_context(journal)
        grader = model_judge(judge) if settings.judge is not None else None
        rows = []
        for name in names:
            with open_outputs(journal, f"outputs/{task_spec(name).file_name}") as log:
                rows += _run_task(model, items[name], settings, log, grader)
                close_in_order(log, settings.setting_names, items[name][0])
    return rows


def _items_of(task: str, settings: PromptSettings) -> tuple[list[TaskItem], Demos]:
    return task_items(
        task,
        settings.data,
        settings.n,
        settings.seed,
        settings.setting_names,
        demos_file=settings.demos,
    )


def _run_task(
    model: Generator,
    given: tuple[list[TaskItem], Demos],
    settings: RunSettings,
    log: RowLog,
    judge: Judge | None,
) -> list[Graded]:
    names = settings.setting_names
    items, demos = given
    scored = []
    if settings.da_mode == "logprob":
        scored = [name for name in names if name.endswith("direct")]
    if scored:
        run_logprob(
            model,
            items,
            scored,
            log,
            demos=demos,
            folder=settings.prompts,
            small_window=settings.small_window,
        )
    outputs = run(
        model,
        items,
        [name for name in names if name not in scored],
        log,
        style=settings.style,
        demos=demos,
        folder=settings.prompts,
        budgets=two_budgets(settings.budgets),
        small_window=settings.small_window,
        judge=judge,
    )
    return [score_output(output, {}) for output in outputs]
