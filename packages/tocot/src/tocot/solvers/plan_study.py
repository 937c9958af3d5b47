"""Part D: is it the plan or its execution? Five ways to answer from the same formal plan."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.generation import Generator, Request, Sampling
from tenpapers.generation.types import Message
from tenpapers.records import Appender

from ..answering.prompts import fill
from ..answering.run import SEED, reason, run
from ..extraction.extract import extract
from ..inputs.task_registry import task_spec
from ..records import Demos, Output, TaskItem, Turn, answered, outputs_in
from ..scoring.grade import grade
from .logic import Domain, solve_bool, solve_fol
from .plan_repair import Plan, recover_plan
from .python import SolverResult, solve_python_all

SETTINGS = ("da", "cot", "plan_direct", "plan_cot", "plan_tool")
KINDS = {"gsm8k": "python", "gsm8k_hard": "python", "folio": "fol"}
BUDGET = 2048
GUESS = 1 / 3  # what an unparseable answer is worth on three labels


def plan_kind(task: str) -> str:
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
    out: Path,
    *,
    demos: Demos = (),
    folder: Path | None = None,
    budget: int = BUDGET,
    budgets: tuple[int, int] | None = None,
    domain: Domain = "open",
    deadline: float | None = None,
) -> list[Output]:
    """Answer items in the five settings; `da` and `cot` are those of part B.

    Parameters
    ----------
    demos : of part B's few-shot form; without any, zero-shot.
    budget : new tokens of the plan settings.
    domain : of the first-order solver.

    Raises
    ------
    UserError : unknown setting; a task without plans.
    """
    for setting in settings:
        if setting not in SETTINGS:
            raise UserError(f"setting {setting}: unknown", ", ".join(SETTINGS))
    kind = plan_kind(items[0].task)
    prefix = "fs" if demos else "zs"
    plain = [
        f"{prefix}_{name}"
        for name, wanted in (("direct", "da"), ("cot", "cot"))
        if wanted in settings
    ]
    if plain:
        run(
            model, items, plain, out, demos=demos, folder=folder, budgets=budgets, deadline=deadline
        )
    done = answered(out)
    with Appender(out) as sink:
        for setting in settings:
            if not setting.startswith("plan"):
                continue
            waiting = [item for item in items if (setting, item.id) not in done]
            if not waiting or (deadline is not None and time.monotonic() > deadline):
                continue
            for row in _planned(model, waiting, setting, kind, folder, budget, domain):
                sink.write(row)
    return outputs_in(out)


def plan_messages(
    item: TaskItem, setting: str, kind: str, folder: Path | None = None
) -> list[Message]:
    """The prompt: the same plan part in all three settings, then what to do with the plan."""
    head = fill(f"plan_{kind}", "plan", folder)
    problem = item.question if not item.context else f"{item.context}\n\n{item.question}"
    ask = fill(f"plan_{kind}", setting.removeprefix("plan_"), folder)
    return [Message(role="user", content=f"{head}\n\nProblem: {problem}\n\n{ask}")]


def _planned(
    model: Generator,
    items: Sequence[TaskItem],
    setting: str,
    kind: str,
    folder: Path | None,
    budget: int,
    domain: Domain,
) -> Iterator[Output]:
    spec = task_spec(items[0].task)
    sampling = Sampling(max_tokens=budget, seed=SEED)
    prompts = {item.id: plan_messages(item, setting, kind, folder) for item in items}
    requests = [
        Request(id=item.id, messages=tuple(prompts[item.id]), sampling=sampling) for item in items
    ]
    answers = {one.id: one for one in model.stream(requests, progress=f"{spec.name}, {setting}")}
    plans = {item.id: recover_plan(answers[item.id].text) for item in items}
    solved = {}
    if setting == "plan_tool":
        results = solve_all([plans[item.id] for item in items], kind, domain)
        solved = dict(zip((item.id for item in items), results, strict=True))
    for item in items:
        done, plan = answers[item.id], plans[item.id]
        if setting == "plan_tool":
            answer, rule = tool_answer(solved[item.id], item), solved[item.id].status
            problem = solved[item.id].error
        else:
            found = extract(plan.after or done.text, item.public(), spec)
            answer, rule, problem = found.answer, found.rule, ""
        correct = answer is not None and _right(answer, item)
        yield Output(
            id=item.id,
            task=item.task,
            model=Path(model.backend.model).name,
            setting=setting,
            messages=[Turn(role=one.role, content=one.content) for one in prompts[item.id]],
            response=None if done.failed else done.text,
            finish_reason=reason(done),
            prompt_tokens=done.n_prompt_tokens,
            new_tokens=done.n_output_tokens,
            answer=answer,
            rule=rule,
            correct=correct,
            parsed=answer is not None,
            errored=done.failed,
            choices=item.choices,
            answer_kind=item.answer_kind,
            gold=item.gold,
            question=item.question,
            credit=plan_credit(correct, answer is not None, kind),
            repairs=plan.repairs,
            problem=problem,
        )  # type: ignore[call-arg]


def solve_all(plans: Sequence[Plan], kind: str, domain: Domain = "open") -> list[SolverResult]:
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
    from ..records import Extraction

    return grade(Extraction(answer, None, ""), item.gold, item.answer_kind)


def plan_credit(correct: bool, parsed: bool, kind: str) -> float:
    """Credit in part D: unparseable is wrong for numbers, a guess among three for logic."""
    if not parsed and kind != "python":
        return GUESS
    return float(correct)


def plan_table(outputs: Sequence[Output]) -> list[dict[str, Any]]:
    """Accuracy, unparseable share and repairs of every setting."""
    names = {"zs_direct": "da", "fs_direct": "da", "zs_cot": "cot", "fs_cot": "cot"}
    rows = []
    for setting in SETTINGS:
        own = [
            one
            for one in outputs
            if names.get(one.setting, one.setting) == setting and not one.errored
        ]
        if not own:
            continue
        kind = plan_kind(own[0].task)
        credit = [
            one.credit
            if one.credit is not None
            else plan_credit(bool(one.correct), one.parsed, kind)
            for one in own
        ]
        repairs = Counter(
            name for one in own for name in (one.model_extra or {}).get("repairs", [])
        )
        rows.append(
            {
                "task": own[0].task,
                "setting": setting,
                "n": len(own),
                "accuracy": 100 * sum(credit) / len(own),
                "unparsed": 100 * sum(not one.parsed for one in own) / len(own),
                "repairs": ", ".join(f"{name} {n}" for name, n in repairs.most_common()) or None,
            }
        )
    return rows
