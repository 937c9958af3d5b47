"""Task items from local files, from the shared data, or from the hub."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tenpapers.errors import UserError
from tenpapers.records import read_json_lines

from .lsat_demos import lsat_demonstrations
from .records import TaskItem, read_rows
from .rows import READERS, SkippedRowError
from .tasks import TaskSpec, task_spec


def data_folder() -> Path | None:
    """The real inputs: $TENPAPERS_DATA/tocot, or a checkout's ../shared/data, or None."""
    named = os.environ.get("TENPAPERS_DATA")
    if named:
        folder = Path(named) / "tocot"
        if not folder.is_dir():
            raise UserError(f"TENPAPERS_DATA={named}: no tocot in it")
        return folder
    folder = Path(__file__).resolve().parents[5] / "shared" / "data" / "tocot"
    return folder if folder.is_dir() else None


def load_task(
    name: str, path: Path | None = None, n: int | None = None, seed: int = 0
) -> list[TaskItem]:
    """Items of a task, shuffled by a seed.

    Parameters
    ----------
    path : JSONL of TaskItem records, or of the data set's own fields; None takes the shared data,
        else the hub.
    n : the first n after shuffling.

    Raises
    ------
    UserError : unknown task, missing fields, no access to the hub, a gold answer that is not among
        the labels.
    """
    spec = task_spec(name)
    items = _from_file(spec, path) if path is not None else _anywhere(spec)
    for item in items:
        _check(item)
    order = np.random.default_rng(seed).permutation(len(items))
    return [items[place] for place in order[: n or None].tolist()]


def _check(item: TaskItem) -> None:
    if item.answer_kind not in ("letter", "text_choice", "bool3"):
        return
    if item.choices is None:
        raise UserError(f"{item.task} {item.id}: no choices, but a {item.answer_kind} is wanted")
    known = item.choices.label if item.answer_kind == "letter" else item.choices.text
    if item.gold not in known:
        raise UserError(f"{item.task} {item.id}: gold {item.gold!r} is not among {list(known)}")


def _anywhere(spec: TaskSpec) -> list[TaskItem]:
    folder = data_folder()
    if folder is not None and spec.file:
        for ending in (".jsonl.gz", ".jsonl"):
            file = folder / "tasks" / f"{spec.file}{ending}"
            if file.exists():
                return _from_file(spec, file)
    return _from_hub(spec)


def _from_file(spec: TaskSpec, path: Path) -> list[TaskItem]:
    first = next((value for _, value in read_json_lines(path)), None)
    if isinstance(first, dict) and {"answer_kind", "gold"} <= first.keys():
        return read_rows(path, TaskItem)
    return _read(spec, read_json_lines(path), str(path))


def _read(spec: TaskSpec, rows: Iterator[tuple[int, Any]], where: str) -> list[TaskItem]:
    reader = _reader(spec)
    items: list[TaskItem] = []
    for number, row in rows:
        try:
            items += reader(spec, row, number)
        except SkippedRowError:
            continue
        except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
            reason = f"missing field {error}" if isinstance(error, KeyError) else str(error)
            raise UserError(
                f"{where}:{number}: not a row of {spec.name}: {reason}",
                "expected: the data set's own fields, or TaskItem records",
            ) from None
    if not items:
        raise UserError(f"{where}: no records in it")
    return items


Reader = Callable[[TaskSpec, Mapping[str, Any], int], list[TaskItem]]


def _reader(spec: TaskSpec) -> Reader:
    for name in (spec.name, spec.merge, spec.name.rstrip("12345")):
        if name in READERS:
            return READERS[name]
    raise UserError(f"task {spec.name}: pass TaskItem records with --data")


def _from_hub(spec: TaskSpec) -> list[TaskItem]:
    fields = "id, task, question, choices {label, text}, answer_kind, gold"
    hint = f"pass --data FILE: the set's own rows, or {fields}"
    if not spec.hub:
        raise UserError(f"task {spec.name}: is not on the hub and its file is not at hand", hint)
    try:
        from datasets import load_dataset
    except ImportError:
        raise UserError(f"task {spec.name}: {spec.hub} needs the extra [hub]", hint) from None
    arguments = [spec.hub]
    if spec.name in ("arc_easy", "arc_challenge"):
        arguments.append("ARC-Easy" if spec.name == "arc_easy" else "ARC-Challenge")
    elif spec.hub in ("openai/gsm8k", "winogrande"):
        arguments.append({"openai/gsm8k": "main", "winogrande": "winogrande_debiased"}[spec.hub])
    elif spec.name == "gpqa":
        arguments.append("gpqa_main")
    split = "train" if spec.name == "gpqa" else spec.split
    try:
        table = load_dataset(*arguments, split=split)
    except (OSError, ValueError, ConnectionError) as error:
        first = str(error).strip().splitlines()[0]
        raise UserError(f"task {spec.name}: {spec.hub} cannot be loaded: {first}", hint) from None
    return _read(spec, ((number, dict(row)) for number, row in enumerate(table, 1)), spec.hub)


def task_items(
    name: str, path: Path | None, n: int | None, seed: int, settings: Sequence[str],
    demos_file: Path | None = None,
) -> tuple[list[TaskItem], Any]:  # fmt: skip
    """Items of a task, and demonstrations where a setting wants some.

    They come from a file, from AGIEval's (LSAT), from the development questions of each subject
    (MMLU), or from items that are not asked.

    Raises
    ------
    UserError : what `load_task` raises.
    """
    from .prompting import demonstrations

    every = load_task(name, path, None, seed)
    spec = task_spec(name)
    if not any(setting.startswith("fs") for setting in settings):
        return every[: n or None], []
    if demos_file is not None:
        return every[: n or None], read_rows(demos_file, TaskItem)
    if spec.merge == "lsat" and (folder := data_folder()) is not None:
        return every[: n or None], lsat_demonstrations(spec, folder)
    if not spec.shots:
        return every[: n or None], []
    if name == "mmlu":
        by_subject: dict[str, list[TaskItem]] = {}
        for one in load_task("mmlu_dev"):
            by_subject.setdefault(str(one.meta["subject"]), []).append(one)
        return every[: n or None], {key: rows[: spec.shots] for key, rows in by_subject.items()}
    cot = any(setting.endswith("cot") for setting in settings)
    tested = every[:n] if n else every[: len(every) - spec.shots * 4]
    demos = demonstrations(every, spec, need_rationale=cot, exclude=tested)
    chosen = {one.id for one in demos}
    return [one for one in every if one.id not in chosen][: n or None], demos
