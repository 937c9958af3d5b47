"""TruthfulQA: two folds, preference pairs for training, multiple choice for testing."""

import csv
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from tenpapers.errors import UserError
from tenpapers.records import read_json

from ..records import ContrastItem, MultipleChoiceItem, PreferencePair
from .prompts import fill
from .published_rows import read_rows, text, texts

Pairs = Literal["first", "all", "random"]
_NEEDED = ("id", "question", "best_answer", "correct_answers", "incorrect_answers")


def read(file: Path) -> list[MultipleChoiceItem]:
    """Read questions from JSONL, or from the original CSV with answers joined by `;`."""
    if file.suffix == ".csv":
        return _read_csv(file)
    return [
        MultipleChoiceItem(
            id=str(row["id"]),
            question=text(where, row, "question"),
            best_answer=text(where, row, "best_answer"),
            correct_answers=texts(where, row, "correct_answers"),
            incorrect_answers=texts(where, row, "incorrect_answers"),
        )
        for where, row in read_rows(file, _NEEDED)
    ]


def _read_csv(file: Path) -> list[MultipleChoiceItem]:
    if not file.exists():
        raise UserError(f"{file}: no such file")
    with file.open(encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream)
        items = []
        for number, row in enumerate(rows):
            for column in ("Question", "Best Answer", "Correct Answers", "Incorrect Answers"):
                if not row.get(column):
                    raise UserError(f"{file}:{number + 2}: missing field {column!r}")
            items.append(
                MultipleChoiceItem(
                    id=str(number),
                    question=row["Question"].strip(),
                    best_answer=row["Best Answer"].strip(),
                    correct_answers=split_answers(row["Correct Answers"]),
                    incorrect_answers=split_answers(row["Incorrect Answers"]),
                )
            )
    if not items:
        raise UserError(f"{file}: no records in it")
    return items


def split_answers(joined: str) -> tuple[str, ...]:
    """The answers of a cell of the CSV, which joins them by `;`."""
    return tuple(part.strip() for part in joined.split(";") if part.strip())


def folds(
    items: Sequence[MultipleChoiceItem], fold: int, manifest: Path | None, *, seed: int = 42
) -> tuple[dict[str, list[MultipleChoiceItem]], dict[str, int]]:
    """Split questions as the paper does.

    With the manifest the paper's membership and order; without it halves in hub order, and a train
    part drawn as the released code does (which gives the paper's fold 0 exactly; fold 1's draw
    cannot be made again).

    Returns
    -------
    (train, val, test items; how many ids of each part are not in `items`).

    Raises
    ------
    UserError : no such fold.
    """
    if fold not in (0, 1):
        raise UserError(f"--fold {fold}: there are two folds, 0 and 1")
    by_id = {item.id: item for item in items}
    if manifest is not None and manifest.exists():
        parts: dict[str, list[int]] = read_json(manifest)["folds"][fold]
    else:
        parts = drawn_fold(len(items), fold, seed)
    split = {
        part: [by_id[str(number)] for number in parts[part] if str(number) in by_id]
        for part in ("train", "val", "test")
    }
    missing = {part: len(parts[part]) - len(found) for part, found in split.items()}
    return split, missing


def drawn_fold(n: int, fold: int, seed: int = 42) -> dict[str, list[int]]:
    """Draw a fold as the released code does: its test half, 80 % of the other half to train on."""
    import numpy as np

    halves = np.array_split(np.arange(n), 2)
    other = halves[1 - fold]
    # The released code draws from numpy's global generator; a state of its own gives the same.
    state = np.random.RandomState(seed)
    train = state.choice(other, size=int(0.8 * len(other)), replace=False)
    taken = set(train.tolist())
    return {
        "train": train.tolist(),
        "val": [int(i) for i in other if int(i) not in taken],
        "test": halves[fold].tolist(),
    }


def pairs(
    items: Sequence[MultipleChoiceItem],
    *,
    which: Pairs = "first",
    seed: int = 42,
    prompts: Path | None = None,
) -> list[PreferencePair]:
    """Preference pairs: the best answer against the first incorrect one (or all, or one drawn)."""
    draw = random.Random(seed)
    preferences = []
    for item in items:
        wrong = item.incorrect_answers
        if not wrong:
            continue
        chosen = {"first": wrong[:1], "all": wrong, "random": (draw.choice(wrong),)}[which]
        prompt = fill("truthfulqa_train", prompts, question=item.question)
        for number, answer in enumerate(chosen):
            preferences.append(
                PreferencePair(
                    id=item.id if len(chosen) == 1 else f"{item.id}/{number}",
                    prompt=prompt,
                    chosen=f" {item.best_answer}",
                    rejected=f" {answer}",
                )
            )
    return preferences


def contrast(
    items: Sequence[MultipleChoiceItem], *, prompts: Path | None = None
) -> list[ContrastItem]:
    """Every reference answer as a labelled statement, true or false."""
    return [
        ContrastItem(
            id=item.id,
            prompt=fill("truthfulqa_train", prompts, question=item.question),
            positive=tuple(f" {answer}" for answer in item.correct_answers),
            negative=tuple(f" {answer}" for answer in item.incorrect_answers),
        )
        for item in items
        if item.correct_answers and item.incorrect_answers
    ]
