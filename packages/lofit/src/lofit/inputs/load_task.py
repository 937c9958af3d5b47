"""From a task's name and a folder or file to the parts of a task."""

import os
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.records import read_json, read_json_lines, read_jsonl

from ..records import ContrastItem, MultipleChoiceItem, PreferencePair, SFTExample
from . import clutrr, mquake, truthfulqa
from . import hub_tasks as hub

Evaluation = list[SFTExample] | list[MultipleChoiceItem]
NAMES = ("truthfulqa", "mquake", "clutrr", "jsonl", *hub.NAMES)
CLUTRR_TRAIN = 300  # stories drawn of 3,151 (section 3.5 of the spec)


@dataclass(frozen=True)
class Task:
    """A task's data; `train` decides the loss (examples: cross-entropy, pairs: DPO).

    Parameters
    ----------
    missing : how many ids of a split of the paper are not in the files.
    contrast : labelled statements of the train part, for ITI and RepE.
    files : what was read.
    """

    name: str
    train: list[SFTExample] | list[PreferencePair]
    val: Evaluation = field(default_factory=list)
    test: Evaluation = field(default_factory=list)
    contrast: list[ContrastItem] = field(default_factory=list)
    missing: dict[str, int] = field(default_factory=dict)
    files: tuple[Path, ...] = ()


def data_folder() -> Path:
    """Find the data: $TENPAPERS_DATA/lofit, `shared/data/lofit` beside the checkout, or ours."""
    places = [Path(__file__).parents[6] / "shared" / "data" / "lofit"]
    if named := os.environ.get("TENPAPERS_DATA"):
        places.insert(0, Path(named) / "lofit")
    found = next((place for place in places if place.is_dir()), None)
    return found or Path(str(files("lofit").joinpath("data/mini")))


def load_task(
    name: str,
    data: Path | None = None,
    *,
    fold: int = 0,
    which_pairs: truthfulqa.Pairs = "first",
    train_size: int | None = None,
    seed: int = 42,
    prompts: Path | None = None,
    quirks: bool = False,
    dedup: bool = False,
) -> Task:
    """Read a task.

    Parameters
    ----------
    name : one of `NAMES`.
    data : folder with the task's files, or for `jsonl` the training file; None looks for it.
    fold : of TruthfulQA.
    which_pairs : of TruthfulQA; see `truthfulqa.pairs`.
    train_size : so many training examples, drawn by seed so that smaller sets lie in larger ones;
        CLUTRR takes 300 if nothing is said, as the paper.
    seed : of every draw.
    prompts : folder of templates that replace ours.
    quirks, dedup : see `clutrr.read`.

    Raises
    ------
    UserError : unknown task, missing or broken file.
    """
    if name not in NAMES:
        raise UserError(f"--task {name}: unknown", f"one of {', '.join(NAMES)}")
    if name == "jsonl":
        if data is None:
            raise UserError("--task jsonl needs --data FILE")
        return _draw(_jsonl(data), train_size, seed)
    if name in hub.NAMES:
        return _draw(_hub(name, seed), train_size or hub.TRAIN_SIZE, seed)
    folder = data or data_folder()
    if name == "truthfulqa":
        return _draw(_truthfulqa(folder, fold, which_pairs, seed, prompts), train_size, seed)
    module: Any = {"mquake": mquake, "clutrr": clutrr}[name]
    options = {"prompts": prompts, "quirks": quirks, "dedup": dedup, "seed": seed}
    found = {part: _find(folder, f"{name}_{part}") for part in ("train", "val", "test")}
    parts = {part: module.read(file, **options) for part, file in found.items()}
    task = Task(
        name,
        **parts,
        contrast=module.contrast(found["train"], **options),
        missing=_missing(folder, name, parts),
        files=tuple(found.values()),
    )
    if name == "clutrr" and train_size is None and len(task.train) > CLUTRR_TRAIN:
        # The paper's subset: exactly what Python's own draw gives.
        return _keep(task, random.Random(seed).sample(task.train, CLUTRR_TRAIN))
    return _draw(task, train_size, seed)


def read_evaluation(
    name: str,
    file: Path,
    *,
    prompts: Path | None = None,
    quirks: bool = False,
    dedup: bool = False,
) -> Evaluation:
    """Read one file of a task in its published form, to evaluate on it."""
    if name == "mquake":
        return mquake.read(file, prompts=prompts)
    if name == "clutrr":
        return clutrr.read(file, prompts=prompts, quirks=quirks, dedup=dedup)
    if name == "truthfulqa":
        return truthfulqa.read(file)
    if name == "jsonl":
        return _own(file)
    raise UserError(f"--task {name}: takes no file", f"drop --data, or one of {NAMES[:4]}")


def _own(file: Path) -> Evaluation:
    """A user's file: multiple choice where its first line has a question, else SFT."""
    first = next((row for _, row in read_json_lines(file)), None)
    if isinstance(first, dict) and "question" in first:
        return read_jsonl(file, MultipleChoiceItem)
    return read_jsonl(file, SFTExample)


def _jsonl(file: Path) -> Task:
    first = next((row for _, row in read_json_lines(file)), None)
    if isinstance(first, dict) and "chosen" in first:
        return Task("jsonl", read_jsonl(file, PreferencePair), files=(file,))
    return Task("jsonl", read_jsonl(file, SFTExample), files=(file,))


def _find(folder: Path, stem: str) -> Path:
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder", "--data takes the folder of the task's files")
    for ending in (".jsonl.gz", ".jsonl", ".json"):
        if (folder / f"{stem}{ending}").exists():
            return folder / f"{stem}{ending}"
    raise UserError(f"{folder}: no {stem}.jsonl in it")


def _truthfulqa(
    folder: Path, fold: int, which: truthfulqa.Pairs, seed: int, prompts: Path | None
) -> Task:
    file = folder if folder.is_file() else _find(folder, "truthfulqa")
    manifest = file.parent / "truthfulqa_folds.json"
    split, missing = truthfulqa.folds(truthfulqa.read(file), fold, manifest, seed=seed)
    return Task(
        "truthfulqa",
        truthfulqa.pairs(split["train"], which=which, seed=seed, prompts=prompts),
        split["val"],
        split["test"],
        truthfulqa.contrast(split["train"], prompts=prompts),
        missing,
        (file,),
    )


def _hub(name: str, seed: int) -> Task:
    parts = hub.load(name, seed=seed)
    return Task(name, parts["train"], parts["val"], parts["test"])


def _missing(folder: Path, name: str, parts: dict[str, Any]) -> dict[str, int]:
    """Ids of the paper's splits that the files lack, where the splits are known."""
    manifest = folder / "splits.json"
    if not manifest.exists():
        return {}
    splits = read_json(manifest)[name]
    return {
        part: len({str(number) for number in splits[part]} - {example.id for example in examples})
        for part, examples in parts.items()
        if part in splits
    }


def _draw(task: Task, size: int | None, seed: int) -> Task:
    if size is None or size >= len(task.train):
        return task
    return _keep(task, nested_sample(task.train, size, seed))


def _keep(task: Task, train: list[Any]) -> Task:
    """The task with fewer training examples, and the statements that belong to them."""
    kept = {example.id.split("/")[0] for example in train}
    contrast = [item for item in task.contrast if item.id in kept]
    return replace(task, train=train, contrast=contrast)


def nested_sample(examples: Sequence[Any], size: int, seed: int) -> list[Any]:
    """Draw without replacement; a smaller draw of the same seed is the beginning of a larger."""
    order = list(range(len(examples)))
    random.Random(seed).shuffle(order)
    return [examples[i] for i in order[:size]]
