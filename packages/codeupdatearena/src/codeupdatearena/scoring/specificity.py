"""What an edit costs elsewhere: HumanEval with the edited models (SPass@k)."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from tenpapers.errors import UserError, without_credentials
from tenpapers.generation import Generator, Request
from tenpapers.journal import Journal, RowLog
from tenpapers.records import Record, read_json, read_jsonl, write_json
from tenpapers.report import Table, Value
from tenpapers.sandbox import Program, SandboxPool

from ..editing.edits import read_edits
from ..sampling.extract_code import extract_code
from ..sampling.prompts import fill
from ..sampling.sample import ask_repeatedly
from ..sampling.settings import SampleSettings
from .metrics import DEFAULT_KS, check_ks, pass_at_k
from .settings import SpecificitySettings


class HumanEvalTask(Record):
    """A HumanEval problem in its published fields."""

    task_id: str
    prompt: str
    entry_point: str
    canonical_solution: str = ""
    test: str


class Answer(Record):
    """One answer of one model: the edited one of `edit`, or the base model (`edit` = "")."""

    edit: str
    task_id: str
    sample: int
    code: str
    text: str = ""


def read_tasks(path: Path) -> list[HumanEvalTask]:
    """Read tasks, `.gz` or not.

    Raises
    ------
    UserError : a line does not fit.
    """
    return read_jsonl(path, HumanEvalTask)


def task_program(key: str, task: HumanEvalTask, code: str) -> Program:
    """Make the program of one answer: the prompt's head, the whole function, the task's check."""
    head = []
    for line in task.prompt.split("\n"):
        if line.startswith(f"def {task.entry_point}"):
            break
        head.append(line)
    setup = (("imports", "\n".join(head)), ("solution", code), ("test", task.test))
    return Program(key, setup, (f"check({task.entry_point})",))


def choose_edits(folder: Path | None, count: int, updates: Path | None) -> dict[str, str]:
    """Pick one edit an update: of the updates in a JSON list, or of the first ones.

    Returns
    -------
    Folder of the adapter by example id, at most `count`.

    Raises
    ------
    UserError : the file is no list of ids, or nothing was chosen.
    """
    if folder is None:
        return {}
    wanted = read_json(updates) if updates else None
    if updates and not (isinstance(wanted, list) and all(isinstance(id_, str) for id_ in wanted)):
        raise UserError(f"{updates}: a JSON list of update ids is wanted")
    first: dict[str, tuple[str, str]] = {}
    for edit in read_edits(folder):
        update = edit.update_id or edit.prog_syn_id.rpartition(":")[0]
        if wanted is None or update in wanted:
            adapter = str((folder / edit.adapter).resolve())
            first.setdefault(update, (edit.prog_syn_id, adapter))
    if not first:
        raise UserError(f"{folder}: none of its edits is of a chosen update")
    return dict(list(first.values())[:count])


def task_requests(
    tasks: Sequence[HumanEvalTask], adapters: dict[str, str], settings: SampleSettings
) -> list[Request]:
    """Ask every task of every model.

    Parameters
    ----------
    adapters : folder of the adapter by edit; "" -> "" is the base model.
    """
    requests = []
    for edit, adapter in adapters.items():
        for task in tasks:
            prompt = fill("specificity", settings.prompts, prompt=task.prompt.rstrip())
            requests += ask_repeatedly(f"{edit}|{task.task_id}", prompt, settings, adapter)
    return requests


def open_answers(journal: Journal, name: str) -> RowLog:
    """Open a file of answers that grows as they come."""
    return journal.rows(name, key=lambda row: f"{row['edit']}|{row['task_id']}#{row['sample']}")


def answer_all(requests: Sequence[Request], generator: Generator, rows: RowLog) -> list[Answer]:
    """Append an answer to `rows` for every request that they do not hold yet.

    Raises
    ------
    UserError : requests failed; the others are kept.
    """
    failed = []
    missing = rows.missing(requests)
    for completion in generator.stream(missing, progress="specificity"):
        if completion.failed:
            failed.append(completion)
            continue
        name, _, sample = completion.id.rpartition("#")
        edit, _, task = name.partition("|")
        answer = Answer(
            edit=edit,
            task_id=task,
            sample=int(sample),
            text=completion.text,
            code=extract_code(completion.text),
        )
        rows.write(answer)
    if failed:
        raise UserError(
            f"{failed[0].id}: {failed[0].error} ({len(failed)} of {len(missing)} requests failed)",
            "mend the cause and run the same command again",
        )
    rows.close(order=[request.id for request in requests])
    return [Answer.model_validate(rows.rows[request.id]) for request in requests]


def run_answers(
    answers: Sequence[Answer], tasks: Sequence[HumanEvalTask], pool: SandboxPool
) -> dict[tuple[str, str], list[bool]]:
    """Execute answers; for every (edit, task) whether each sample passed. Same code runs once."""
    by_id = {task.task_id: task for task in tasks}
    programs: dict[tuple[str, str], str] = {}
    for answer in answers:
        if answer.code.strip():
            programs.setdefault((answer.task_id, answer.code), str(len(programs)))
    verdicts = {
        verdict.key: verdict.statuses == ("passed",)
        for verdict in pool.run(
            task_program(key, by_id[name], code) for (name, code), key in programs.items()
        )
    }
    passed: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for answer in answers:
        key = programs.get((answer.task_id, answer.code))
        passed[answer.edit, answer.task_id].append(verdicts[key] if key is not None else False)
    return passed


def summarise_specificity(
    passed: dict[tuple[str, str], list[bool]], ks: Sequence[int]
) -> dict[str, Any]:
    """SPass@k of each edited model and on average, beside the unedited model's.

    Returns
    -------
    Percentages: `base`, `edited` (mean over edits), `change`, and `by_edit`. A change below zero
    is what editing costs.

    Raises
    ------
    UserError : a k above the number of samples.
    """
    check_ks(ks, min(map(len, passed.values())))
    rates: dict[str, dict[str, float]] = {}
    for edit in dict.fromkeys(edit for edit, _ in passed):
        tasks = [samples for (name, _), samples in passed.items() if name == edit]
        rates[edit] = {f"SPass@{k}": _mean_rate(tasks, k) for k in ks}
    base = rates.pop("")
    edited = {name: round(mean(rate[name] for rate in rates.values()), 4) for name in base if rates}
    return {
        "n_tasks": len({task for _, task in passed}),
        "n_edits": len(rates),
        "base": base,
        "edited": edited,
        "change": {name: round(edited[name] - base[name], 4) for name in edited},
        "by_edit": rates,
    }


def _mean_rate(tasks: Sequence[Sequence[bool]], k: int) -> float:
    """Mean pass@k over tasks, in percent."""
    return round(100 * mean(pass_at_k(len(task), sum(task), k) for task in tasks), 4)


def measure_specificity(
    requests: Sequence[Request],
    tasks: Sequence[HumanEvalTask],
    generator: Generator,
    rows: RowLog,
    pool: SandboxPool,
    *,
    samples: int,
) -> dict[str, Any]:
    """Ask, execute and summarise; answers are appended to `rows` and not asked twice.

    Parameters
    ----------
    samples : of a task, which bounds k.
    """
    answers = answer_all(requests, generator, rows)
    passed = run_answers(answers, tasks, pool)
    sandbox = pool.summary()
    rates = summarise_specificity(passed, [k for k in DEFAULT_KS if k <= samples])
    return rates | {"sandbox": sandbox}


def ask_edited_models(
    tasks: Sequence[HumanEvalTask],
    adapters: Path | None,
    settings: SpecificitySettings,
    generator: Generator,
    journal: Journal,
    *,
    pool: SandboxPool,
    model: str,
) -> dict[str, Any]:
    """Measure the unedited model and those edited in `adapters` -> `specificity.json` of a run.

    Parameters
    ----------
    adapters : folder that `edit` wrote; None measures the unedited model alone.
    pool : runs the answers.
    model : its spec, for the file.

    Raises
    ------
    UserError : see `choose_edits` and `answer_all`.
    """
    chosen = {"": ""} | choose_edits(adapters, settings.edits, settings.updates)
    journal.claim("humaneval.jsonl", "specificity.json")
    with open_answers(journal, "humaneval.jsonl") as rows:
        made = measure_specificity(
            task_requests(tasks, chosen, settings),
            tasks,
            generator,
            rows,
            pool,
            samples=settings.samples,
        )
    write_json(
        journal.file("specificity.json"),
        made | {"model": without_credentials(model), "n": settings.samples},
    )
    return made


def specificity_table(found: dict[str, Any]) -> Table:
    """Make the table that `specificity` prints."""
    rows: list[list[Value]] = [
        [name, base, found["edited"].get(name), found["change"].get(name)]
        for name, base in found["base"].items()
    ]
    return Table("", ["", "base", "edited", "change"], rows)
