"""Is it the plan or its execution? Five ways to answer from the same formal plan."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tenpapers.cli import require_code_permission
from tenpapers.errors import UserError
from tenpapers.generation import Completion, Generator, Request, Sampling, open_generator
from tenpapers.generation.types import Message
from tenpapers.journal import Journal, RowLog, files_of, key_of, known_by

from ..answering.output_log import close_in_order, items_key, open_outputs, outputs_in
from ..answering.prompts import fill
from ..answering.run import SEED, reason, run
from ..answering.settings import two_budgets
from ..extraction.extract import extract
from ..inputs.demonstrations import task_items
from ..inputs.task_registry import task_spec
from ..records import Demos, Extraction, Output, TaskItem, Turn
from ..scoring.grade import grade
from .logic import solve_bool, solve_fol
from .plan_repair import Plan, recover_plan
from .python import SolverResult, solve_python_all
from .settings import PLAN_BUDGET, Domain, PlanKind, PlanSettings

SETTINGS = ("da", "cot", "plan_direct", "plan_cot", "plan_tool")
KINDS: dict[str, PlanKind] = {"gsm8k": "python", "gsm8k_hard": "python", "folio": "fol"}
GUESS = 1 / 3  # what an unparseable answer is worth on three labels


def run_plan_study(
    settings: PlanSettings,
    out: Path,
    *,
    allow_code: bool = False,
    overwrite: bool = False,
    wait: bool = False,
) -> list[Output]:
    """Load a task and a model and answer in all settings, into `out/outputs/<task>.jsonl`.

    Raises
    ------
    UserError : a Python solver without the user's permission; `out` holds a run of another model,
        other settings or inputs; what `plan_study` raises.
    """
    names, task = settings.setting_names, settings.task
    if plan_kind(task) == "python" and "plan_tool" in names:
        require_code_permission(allow_code)
    forms = ["fs_cot"] if settings.few_shot and {"da", "cot"} & set(names) else []
    items, demos = task_items(
        task, settings.data, settings.n, settings.seed, forms, demos_file=settings.demos
    )
    with (
        open_generator(settings.model, cache=settings.cache) as model,
        Journal(
            out,
            key=key_of(
                "tocot plan",
                settings,
                model=known_by(settings.model, model.backend.identity),
                items=items_key(settings.data, {task: (items, demos)}),
            ),
            inputs=files_of(settings),
            overwrite=overwrite,
            wait=wait,
        ) as journal,
        open_outputs(journal, f"outputs/{task}.jsonl") as log,
    ):
        outputs = plan_study(
            model,
            items,
            names,
            log,
            demos=demos,
            folder=settings.prompts,
            budget=settings.budget,
            budgets=two_budgets(settings.budgets),
            domain=settings.domain,
        )
        plain = _plain_forms(demos)
        close_in_order(log, [plain.get(name, name) for name in names], items)
        return outputs


def plan_kind(task: str) -> PlanKind:
    """Plans of a task: "python", "bool" or "fol".

    Raises
    ------
    UserError : a task without plans.
    """
    if task in KINDS:
        return KINDS[task]
    if task_spec(task).merge == "contexthub":
        return "bool"
    raise UserError(f"task {task}: has no plans", "gsm8k, gsm8k_hard, contexthub_*, folio")


def plan_study(
    model: Generator,
    items: Sequence[TaskItem],
    settings: Sequence[str],
    log: RowLog,
    *,
    demos: Demos = (),
    folder: Path | None = None,
    budget: int = PLAN_BUDGET,
    budgets: tuple[int, int] | None = None,
    domain: Domain = "open",
    deadline: float | None = None,
) -> list[Output]:
    """Answer items in the five settings; `da` and `cot` are plain direct answers and CoT.

    Parameters
    ----------
    log : outputs of the task; what it has is not asked again.
    demos : of `da` and `cot` in their few-shot form; without any, zero-shot.
    budget : new tokens of the plan settings; `budgets` : of `da` and `cot`.
    domain : of the first-order solver.
    deadline : `time.monotonic()` after which no further setting is begun.

    Raises
    ------
    UserError : unknown setting; a task without plans.
    """
    for setting in settings:
        if setting not in SETTINGS:
            raise UserError(f"setting {setting}: unknown", ", ".join(SETTINGS))
    kind = plan_kind(items[0].task)
    plain = [name for short, name in _plain_forms(demos).items() if short in settings]
    if plain:
        run(
            model, items, plain, log, demos=demos, folder=folder, budgets=budgets, deadline=deadline
        )
    for setting in settings:
        if not setting.startswith("plan"):
            continue
        waiting = log.missing(items, key=partial(_in_setting, setting))
        if not waiting or (deadline is not None and time.monotonic() > deadline):
            continue
        way = _Way(setting, kind, folder, budget, domain)
        for row in _planned(model, waiting, way):
            log.write(row)
    return outputs_in(log)


def _plain_forms(demos: Demos) -> dict[str, str]:
    """Settings of plain direct answers and CoT, as `run` names them."""
    form = "fs" if demos else "zs"
    return {"da": f"{form}_direct", "cot": f"{form}_cot"}


def _in_setting(setting: str, item: TaskItem) -> str:
    return f"{setting}|{item.id}"


def plan_messages(
    item: TaskItem, setting: str, kind: PlanKind, folder: Path | None = None
) -> list[Message]:
    """The prompt: the same plan part in all three settings, then what to do with the plan."""
    head = fill(f"plan_{kind}", "plan", folder)
    problem = item.question if not item.context else f"{item.context}\n\n{item.question}"
    ask = fill(f"plan_{kind}", setting.removeprefix("plan_"), folder)
    return [Message(role="user", content=f"{head}\n\nProblem: {problem}\n\n{ask}")]


@dataclass(frozen=True)
class _Way:
    """One way to answer from a plan, and what it needs."""

    setting: str
    kind: PlanKind
    folder: Path | None
    budget: int
    domain: Domain


def _planned(model: Generator, items: Sequence[TaskItem], way: _Way) -> Iterator[Output]:
    sampling = Sampling(max_tokens=way.budget, seed=SEED)
    prompts = {item.id: plan_messages(item, way.setting, way.kind, way.folder) for item in items}
    requests = [
        Request(id=name, messages=tuple(messages), sampling=sampling)
        for name, messages in prompts.items()
    ]
    label = f"{items[0].task}, {way.setting}"
    replies = {reply.id: reply for reply in model.stream(requests, progress=label)}
    plans = {item.id: recover_plan(replies[item.id].text) for item in items}
    results: dict[str, SolverResult] = {}
    if way.setting == "plan_tool":
        solved = solve_all([plans[item.id] for item in items], way.kind, way.domain)
        results = {item.id: result for item, result in zip(items, solved, strict=True)}
    for item in items:
        reply, plan = replies[item.id], plans[item.id]
        answer, rule, problem = _answer(item, reply, plan, results.get(item.id))
        correct = answer is not None and _right(answer, item)
        yield Output(
            id=item.id,
            task=item.task,
            model=Path(model.backend.model).name,
            setting=way.setting,
            messages=[Turn(role=turn.role, content=turn.content) for turn in prompts[item.id]],
            response=None if reply.failed else reply.text,
            finish_reason=reason(reply),
            prompt_tokens=reply.n_prompt_tokens,
            new_tokens=reply.n_output_tokens,
            answer=answer,
            rule=rule,
            correct=correct,
            parsed=answer is not None,
            errored=reply.failed,
            choices=item.choices,
            answer_kind=item.answer_kind,
            gold=item.gold,
            question=item.question,
            credit=plan_credit(correct, answer is not None, way.kind),
            repairs=plan.repairs,
            problem=problem,
        )  # type: ignore[call-arg]


def _answer(
    item: TaskItem, reply: Completion, plan: Plan, result: SolverResult | None
) -> tuple[str | None, str, str]:
    """Answer, rule and problem: the solver's result, or what stands behind the plan."""
    if result is not None:
        return tool_answer(result, item), result.status, result.error
    found = extract(plan.after or reply.text, item.public(), task_spec(item.task))
    return found.answer, found.rule, ""


def solve_all(plans: Sequence[Plan], kind: PlanKind, domain: Domain = "open") -> list[SolverResult]:
    """Results of plans by their kind; an empty plan is an error."""
    if kind == "python":
        return solve_python_all([plan.text for plan in plans])
    empty = SolverResult("error", None, "no plan")
    if kind == "bool":
        return [solve_bool(plan.text) if plan.text else empty for plan in plans]
    return [solve_fol(plan.text, domain) if plan.text else empty for plan in plans]


def tool_answer(result: SolverResult, item: TaskItem) -> str | None:
    """The solver's value as an answer of the item; None where there is none."""
    if result.status != "ok" or result.value is None:
        return None
    if item.choices is None:
        return repr(result.value)
    texts = [text.casefold() for text in item.choices.text]
    value = str(result.value).casefold()
    return item.choices.label[texts.index(value)] if value in texts else None


def _right(answer: str, item: TaskItem) -> bool:
    return grade(Extraction(answer, None, ""), item.gold, item.answer_kind)


def plan_credit(correct: bool, parsed: bool, kind: PlanKind) -> float:
    """Credit of an answer: unparseable is wrong for numbers, a guess among three for logic."""
    if not parsed and kind != "python":
        return GUESS
    return float(correct)


def plan_table(outputs: Sequence[Output]) -> list[dict[str, Any]]:
    """Accuracy, unparseable share and repairs of every setting, in percent."""
    short = {"zs_direct": "da", "fs_direct": "da", "zs_cot": "cot", "fs_cot": "cot"}
    by_setting: dict[str, list[Output]] = {setting: [] for setting in SETTINGS}
    for output in outputs:
        setting = short.get(output.setting, output.setting)
        if setting in by_setting and not output.errored:
            by_setting[setting].append(output)
    return [_plan_row(setting, own) for setting, own in by_setting.items() if own]


def _plan_row(setting: str, outputs: Sequence[Output]) -> dict[str, Any]:
    task, n = outputs[0].task, len(outputs)
    credits = [
        plan_credit(bool(output.correct), output.parsed, plan_kind(task))
        if output.credit is None
        else output.credit
        for output in outputs
    ]
    repairs = Counter(
        name for output in outputs for name in (output.model_extra or {}).get("repairs", [])
    )
    return {
        "task": task,
        "setting": setting,
        "n": n,
        "accuracy": 100 * sum(credits) / n,
        "unparsed": 100 * sum(not output.parsed for output in outputs) / n,
        "repairs": ", ".join(f"{name} {count}" for name, count in repairs.most_common()) or None,
    }
