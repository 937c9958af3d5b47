"""From a task's name and a folder or file to the parts of a task."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Literal, TypeVar, get_args

from tenpapers import data as published
from tenpapers.errors import UserError
from tenpapers.records import read_json

from ..records import ContrastItem, MultipleChoiceItem, PreferencePair, SFTExample
from . import clutrr, hub_tasks, mquake, truthfulqa
from .user_rows import read_own

Evaluation = list[SFTExample] | list[PreferencePair] | list[MultipleChoiceItem]
TaskName = Literal[
    "truthfulqa",
    "mquake",
    "clutrr",
    "jsonl",
    "siqa",
    "arc",
    "boolq",
    "svamp",
    "triviaqa",
    "nq",
    "mmlu",
]
NAMES: tuple[TaskName, ...] = get_args(TaskName)
Split = Literal["train", "val", "test"]
CLUTRR_TRAIN = 300  # stories that the released code draws of 3,151

RowT = TypeVar("RowT")


@dataclass(frozen=True)
class Task:
    """A task's data; `train` decides the loss (examples: cross-entropy, pairs: DPO).

    Parameters
    ----------
    missing : how many ids of a split of the paper are not in the files.
    contrast : labelled statements of the train part, for ITI and RepE.
    files : what was read.
    prompts : folder of templates that replace ours.
    """

    name: str
    train: list[SFTExample] | list[PreferencePair]
    val: Evaluation = field(default_factory=list)
    test: Evaluation = field(default_factory=list)
    contrast: list[ContrastItem] = field(default_factory=list)
    missing: dict[str, int] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    prompts: Path | None = None

    def part(self, split: Split) -> Evaluation:
        """What one part of the task is evaluated on."""
        if split == "train":
            return self.train
        return self.val if split == "val" else self.test

    def missing_note(self) -> str:
        """One line for each split of the paper that is not there in full."""
        return "".join(
            f"\nnote: {count} ids of {part} are not in the files"
            for part, count in self.missing.items()
            if count
        )


def data_folder() -> Path:
    """Find the published data, or the small sets that ship with this package."""
    return published.folder("lofit") or Path(str(files("lofit").joinpath("data/mini")))


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
        return _draw(_own_task(data), train_size, seed)
    if name in hub_tasks.NAMES:
        return _draw(_hub_task(name, seed), train_size or hub_tasks.TRAIN_SIZE, seed)
    folder = data or data_folder()
    if name == "truthfulqa":
        return _draw(_truthfulqa(folder, fold, which_pairs, seed, prompts), train_size, seed)
    if name == "mquake":
        return _draw(
            _three_files(
                folder,
                "mquake",
                partial(mquake.read, prompts=prompts),
                partial(mquake.contrast, prompts=prompts),
            ),
            train_size,
            seed,
        )
    task = _three_files(
        folder,
        "clutrr",
        partial(clutrr.read, prompts=prompts, quirks=quirks, dedup=dedup),
        partial(clutrr.contrast, prompts=prompts, quirks=quirks, seed=seed),
    )
    if train_size is None and len(task.train) > CLUTRR_TRAIN:
        # The paper's subset: exactly what Python's own draw gives.
        return _keep(task, random.Random(seed).sample(_examples(task), CLUTRR_TRAIN))
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
        return read_own(file)
    raise UserError(f"--task {name}: takes no file", f"drop --data, or one of {NAMES[:4]}")


def _own_task(file: Path) -> Task:
    """A user's training file: examples or preference pairs."""
    rows = read_own(file)
    pairs = [row for row in rows if isinstance(row, PreferencePair)]
    if pairs:
        return Task("jsonl", pairs, files=(file,))
    examples = [row for row in rows if isinstance(row, SFTExample)]
    if not examples:
        raise UserError(f"{file}: questions of multiple choice can be evaluated, not trained on")
    return Task("jsonl", examples, files=(file,))


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
        prompts,
    )


def _three_files(
    folder: Path,
    name: str,
    read: Callable[[Path], list[SFTExample]],
    contrast: Callable[[Path], list[ContrastItem]],
) -> Task:
    """A task that is published as a file each for training, validation and test."""
    found = {part: _find(folder, f"{name}_{part}") for part in ("train", "val", "test")}
    parts = {part: read(file) for part, file in found.items()}
    return Task(
        name,
        parts["train"],
        parts["val"],
        parts["test"],
        contrast(found["train"]),
        _missing(folder, name, parts),
        tuple(found.values()),
    )


def _hub_task(name: str, seed: int) -> Task:
    parts = hub_tasks.load(name, seed=seed)
    return Task(name, parts["train"], parts["val"], parts["test"])


def _missing(folder: Path, name: str, parts: dict[str, list[SFTExample]]) -> dict[str, int]:
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


def _examples(task: Task) -> list[SFTExample]:
    return [example for example in task.train if isinstance(example, SFTExample)]


def _draw(task: Task, size: int | None, seed: int) -> Task:
    if size is None or size >= len(task.train):
        return task
    return with_training_size(task, size, seed)


def with_training_size(task: Task, size: int, seed: int) -> Task:
    """The task with `size` training examples, drawn so that smaller sets lie in larger ones."""
    if isinstance(task.train[0], PreferencePair):
        return _keep(task, nested_sample(_pairs(task), size, seed))
    return _keep(task, nested_sample(_examples(task), size, seed))


def _pairs(task: Task) -> list[PreferencePair]:
    return [pair for pair in task.train if isinstance(pair, PreferencePair)]


def _keep(task: Task, train: list[SFTExample] | list[PreferencePair]) -> Task:
    """The task with fewer training examples, and the statements that belong to them."""
    kept = {example.id.split("/")[0] for example in train}
    contrast = [item for item in task.contrast if item.id in kept]
    return replace(task, train=train, contrast=contrast)


def nested_sample(examples: Sequence[RowT], size: int, seed: int) -> list[RowT]:
    """Draw without replacement; a smaller draw of the same seed is the beginning of a larger."""
    order = list(range(len(examples)))
    random.Random(seed).shuffle(order)
    return [examples[i] for i in order[:size]]


def hold_out(task: Task, size: int, seed: int) -> tuple[Task, Task]:
    """The task with `size` training examples fewer, and one that has just those.

    Raises
    ------
    UserError : nothing would be left to train on.
    """
    total = len(task.train)
    if not size < total:
        raise UserError(f"--val-size {size}: the task has {total} training examples")
    if isinstance(task.train[0], PreferencePair):
        pairs = nested_sample(_pairs(task), total, seed)
        return _keep(task, pairs[size:]), _keep(task, pairs[:size])
    examples = nested_sample(_examples(task), total, seed)
    return _keep(task, examples[size:]), _keep(task, examples[:size])
