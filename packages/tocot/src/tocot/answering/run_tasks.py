"""Several tasks at once: their prompts without a model, or a model's graded answers."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tenpapers.generation import Generator, open_generator

from ..inputs.demonstrations import task_items
from ..inputs.task_registry import task_spec
from ..records import Graded
from ..scoring.score_responses import score_output
from .judge import Judge, model_judge
from .label_likelihood import run_logprob
from .run import Job, plan_jobs, run
from .settings import PromptSettings, RunSettings, two_budgets


def prompts_of(settings: PromptSettings) -> list[dict[str, Any]]:
    """The prompts of all tasks, one record an item and setting, as JSON values.

    Raises
    ------
    UserError : no tasks; what `task_items` and `plan_jobs` raise.
    """
    rows = []
    for task in settings.task_names:
        items, demos = task_items(
            task,
            settings.data,
            settings.n,
            settings.seed,
            settings.setting_names,
            demos_file=settings.demos,
        )
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
        "stop": list(prompt.stop),
    }


def run_tasks(settings: RunSettings, out: Path, *, overwrite: bool = False) -> list[Graded]:
    """Answer all tasks, each into `out/<task>.jsonl`, and grade what stands there.

    Parameters
    ----------
    overwrite : ask anew what an earlier run answered.

    Raises
    ------
    UserError : no tasks; what `task_items`, `run` and `run_logprob` raise.
    """
    tasks = [task_spec(name).name for name in settings.task_names]
    two_budgets(settings.budgets)
    rows: list[Graded] = []
    with ExitStack() as opened:
        model = opened.enter_context(open_generator(settings.model, cache=settings.cache))
        judge = None
        if settings.judge == settings.model:
            judge = model_judge(model)
        elif settings.judge is not None:
            judge = model_judge(opened.enter_context(open_generator(settings.judge)))
        for task in tasks:
            file = out / f"{task}.jsonl"
            if overwrite:
                file.unlink(missing_ok=True)
            rows += _run_task(model, task, settings, file, judge)
    return rows


def _run_task(
    model: Generator, task: str, settings: RunSettings, file: Path, judge: Judge | None
) -> list[Graded]:
    names = settings.setting_names
    items, demos = task_items(
        task, settings.data, settings.n, settings.seed, names, demos_file=settings.demos
    )
    scored = []
    if settings.da_mode == "logprob":
        scored = [name for name in names if name.endswith("direct")]
    if scored:
        run_logprob(
            model,
            items,
            scored,
            file,
            demos=demos,
            folder=settings.prompts,
            small_window=settings.small_window,
        )
    outputs = run(
        model,
        items,
        [name for name in names if name not in scored],
        file,
        style=settings.style,
        demos=demos,
        folder=settings.prompts,
        budgets=two_budgets(settings.budgets),
        small_window=settings.small_window,
        judge=judge,
    )
    return [score_output(output, {}) for output in outputs]
