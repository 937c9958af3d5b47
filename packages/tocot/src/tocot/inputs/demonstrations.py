"""Demonstrations of the few-shot settings: never items that are asked."""

import ast
import csv
import gzip
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from tenpapers import data
from tenpapers.errors import UserError

from ..records import Demos, TaskItem, read_rows
from .hub import hub_rows
from .load import load_task, local_file, read_items
from .soft_reasoning_rows import read_lsat
from .task_registry import TaskSpec, task_spec

# AGIEval's questions with explanations, in one CSV of the data folder.
LSAT_FILE = "agieval_few_shot.csv.gz"
LSAT_BUDGET_TOKENS = 2048
# Without the model's tokenizer at hand: what English text has on average.
CHARACTERS_PER_TOKEN = 4


def task_items(
    name: str,
    path: Path | None,
    n: int | None,
    seed: int,
    settings: Sequence[str],
    *,
    demos_file: Path | None = None,
) -> tuple[list[TaskItem], Demos]:
    """Items of a task, and demonstrations where a setting is few-shot.

    They come from a file; from our own, where the data set has no rationales; from AGIEval's
    (LSAT); from another split, by subject (MMLU, MMLU-Pro); or from items that are not asked.

    Raises
    ------
    UserError : what `load_task` raises.
    """
    items = load_task(name, path, None, seed)
    spec = task_spec(name)
    if not any(setting.startswith("fs") for setting in settings):
        return items[: n or None], []
    cot = any(setting.endswith("cot") for setting in settings)
    demos = _from_elsewhere(spec, path, demos_file)
    if demos is None and cot and spec.merge == "contexthub" and not any(map(_rationale, items)):
        # Level 2 has no reasoning; level 1 has, and all its formulas are others.
        easier = load_task(name.replace("level2", "level1"))
        demos = contexthub_demonstrations(list(filter(_rationale, easier)), spec.shots)
    if demos is None:
        return _held_out(items, spec, n, cot)
    return items[: n or None], demos


def _from_elsewhere(spec: TaskSpec, path: Path | None, demos_file: Path | None) -> Demos | None:
    """Demonstrations that are no items of the task's own file; None where there are none."""
    given = demos_file or own_demonstrations(spec)
    if given is not None:
        return read_rows(given, TaskItem)
    if spec.merge == "lsat" and (folder := data.folder("tocot")) is not None:
        return lsat_demonstrations(spec, folder)
    if spec.name == "mmlu":
        return _by_subject(load_task("mmlu_dev"), spec.shots)
    if spec.demo_split and path is None and local_file(spec) is None:
        pool = read_items(spec, hub_rows(spec, spec.demo_split), spec.hub)
        return _by_subject(pool, spec.shots) if spec.name == "mmlu_pro" else pool[: spec.shots]
    return None if spec.shots else []


def _rationale(item: TaskItem) -> bool:
    return bool(item.meta.get("rationale"))


def _held_out(
    items: Sequence[TaskItem], spec: TaskSpec, n: int | None, cot: bool
) -> tuple[list[TaskItem], Demos]:
    """Demonstrations from items that are not asked: never an answer that the model gave itself."""
    # Without n all are asked but a last few, four for each demonstration to choose from.
    tested = items[:n] if n else items[: len(items) - spec.shots * 4]
    pool = [item for item in items[len(tested) :] if _rationale(item) or not cot]
    groups = {"": pool[: spec.shots]}
    if spec.merge == "contexthub":
        formulas = dict.fromkeys(item.demo_key for item in items)
        groups = {key: contexthub_demonstrations(pool, spec.shots, key) for key in formulas}
    chosen = {demo.id for demos in groups.values() for demo in demos}
    asked = [item for item in items if item.id not in chosen][: n or None]
    return asked, groups if spec.merge == "contexthub" else groups[""]


def own_demonstrations(spec: TaskSpec) -> Path | None:
    """The package's file of demonstrations of a task, where it has one."""
    file = Path(str(files("tocot").joinpath(f"data/demos/{spec.name}.jsonl")))
    return file if file.exists() else None


def _by_subject(items: Sequence[TaskItem], shots: int) -> dict[str, list[TaskItem]]:
    groups: dict[str, list[TaskItem]] = {}
    for item in items:
        groups.setdefault(str(item.meta["subject"]), []).append(item)
    return {subject: own[:shots] for subject, own in groups.items()}


def contexthub_demonstrations(
    pool: Sequence[TaskItem], shots: int, formula: str = ""
) -> list[TaskItem]:
    """Demonstrations for the items of a formula: of others, none abstract, no two of a topic.

    The second has another answer than the first.
    """
    chosen: list[TaskItem] = []
    for item in pool:
        topics = {demo.meta["domain"] for demo in chosen} | {"abstract"}
        same_answer = len(chosen) == 1 and item.gold == chosen[0].gold
        if item.meta["domain"] in topics or same_answer or item.demo_key == formula:
            continue
        chosen.append(item)
        if len(chosen) == shots:
            break
    return chosen


def lsat_demonstrations(spec: TaskSpec, folder: Path) -> list[TaskItem]:
    """As many of AGIEval's demonstrations as fit 2,048 tokens, each with its explanation.

    Raises
    ------
    UserError : the file is missing or of another form.
    """
    path = folder / "tasks" / LSAT_FILE
    if not path.exists():
        raise UserError(f"{path}: no such file", "pass --demos FILE with TaskItem records")
    csv.field_size_limit(1 << 30)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        rows = {row[""]: row for row in csv.DictReader(stream)}
    column = spec.file.removeprefix("agieval_")
    demos: list[TaskItem] = []
    left = LSAT_BUDGET_TOKENS * CHARACTERS_PER_TOKEN
    for number in range(1, 6):
        text = rows.get(f"sample {number}", {}).get(column, "")
        if not text:
            break
        try:
            (item,) = read_lsat(spec, ast.literal_eval(text), number)
        except (ValueError, SyntaxError, KeyError) as error:
            raise UserError(f"{path}: sample {number} of {column}: {error}") from None
        rationale = rows[f"explanation {number}"][column].strip()
        left -= len(text) + len(rationale)
        if left < 0:
            break
        name = f"{spec.name}-demo-{number}"
        demos.append(item.model_copy(update={"id": name, "meta": {"rationale": rationale}}))
    return demos
