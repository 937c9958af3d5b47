"""Demonstrations of the few-shot settings: never items that are asked."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from ..records import Demos, TaskItem, read_rows
from .hub import hub_rows
from .load import data_folder, load_task, local_file, read_items
from .lsat_demos import lsat_demonstrations
from .task_registry import TaskSpec, task_spec


def task_items(
    name: str,
    path: Path | None,
    n: int | None,
    seed: int,
    settings: Sequence[str],
    demos_file: Path | None = None,
) -> tuple[list[TaskItem], Demos]:
    """Items of a task, and demonstrations where a setting is few-shot.

    They come from a file; from our own, where the data set has no rationales; from AGIEval's
    (LSAT); from another split, by subject (MMLU, MMLU-Pro); or from items that are not asked.

    Raises
    ------
    UserError : what `load_task` raises.
    """
    every = load_task(name, path, None, seed)
    spec = task_spec(name)
    if not any(setting.startswith("fs") for setting in settings):
        return every[: n or None], []
    given = demos_file or own_demonstrations(spec)
    if given is not None:
        return every[: n or None], read_rows(given, TaskItem)
    if spec.merge == "lsat" and (folder := data_folder()) is not None:
        return every[: n or None], lsat_demonstrations(spec, folder)
    if name == "mmlu":
        return every[: n or None], _by_subject(load_task("mmlu_dev"), spec.shots)
    if spec.demo_split and path is None and local_file(spec) is None:
        pool = read_items(spec, hub_rows(spec, spec.demo_split), spec.hub)
        if name == "mmlu_pro":
            return every[: n or None], _by_subject(pool, spec.shots)
        return every[: n or None], pool[: spec.shots]
    if not spec.shots:
        return every[: n or None], []
    cot = any(setting.endswith("cot") for setting in settings)
    if cot and spec.merge == "contexthub" and not any(map(_rationale, every)):
        # Level 2 has no reasoning; level 1 has, and all its formulas are others.
        pool = [one for one in load_task(name.replace("level2", "level1")) if _rationale(one)]
        return every[: n or None], contexthub_demonstrations(pool, spec.shots)
    return _held_out(every, spec, n, cot)


def _rationale(item: TaskItem) -> bool:
    return bool(item.meta.get("rationale"))


def _held_out(
    every: Sequence[TaskItem], spec: TaskSpec, n: int | None, cot: bool
) -> tuple[list[TaskItem], Demos]:
    """Demonstrations from items that are not asked (GPQA's leak is not copied)."""
    # Without n all are asked but a last few, four for each demonstration to choose from.
    tested = every[:n] if n else every[: len(every) - spec.shots * 4]
    pool = [one for one in every[len(tested) :] if _rationale(one) or not cot]
    groups = {"": pool[: spec.shots]}
    if spec.merge == "contexthub":
        formulas = dict.fromkeys(one.demo_key for one in every)
        groups = {key: contexthub_demonstrations(pool, spec.shots, key) for key in formulas}
    chosen = {one.id for some in groups.values() for one in some}
    asked = [one for one in every if one.id not in chosen][: n or None]
    return asked, groups if spec.merge == "contexthub" else groups[""]


def own_demonstrations(spec: TaskSpec) -> Path | None:
    """The package's file of demonstrations of a task, where it has one."""
    file = Path(str(files("tocot").joinpath(f"data/demos/{spec.name}.jsonl")))
    return file if file.exists() else None


def _by_subject(items: Sequence[TaskItem], shots: int) -> dict[str, list[TaskItem]]:
    groups: dict[str, list[TaskItem]] = {}
    for one in items:
        groups.setdefault(str(one.meta["subject"]), []).append(one)
    return {subject: own[:shots] for subject, own in groups.items()}


def contexthub_demonstrations(
    pool: Sequence[TaskItem], shots: int, formula: str = ""
) -> list[TaskItem]:
    """Demonstrations for the items of a formula: of others, none abstract, no two of a topic.

    The second has another answer than the first.
    """
    chosen: list[TaskItem] = []
    for item in pool:
        topics = {one.meta["domain"] for one in chosen} | {"abstract"}
        same_answer = len(chosen) == 1 and item.gold == chosen[0].gold
        if item.meta["domain"] in topics or same_answer or item.demo_key == formula:
            continue
        chosen.append(item)
        if len(chosen) == shots:
            break
    return chosen
