"""Our data files from the published ones, as `lofit data fetch` brings them."""

import csv
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tenpapers.data import Published
from tenpapers.records import write_json, write_jsonl

from .published_rows import read_rows
from .truthfulqa import split_answers

REPOSITORY = "fc2869/lo-fit"
PARTS = ("train", "val", "test")
# Name, folder, ending of the files, and what tells the cases apart.
SPLIT_TASKS = (("mquake", "MQuAKE", "jsonl", "case_id"), ("clutrr", "clutrr", "json", "id"))
Row = dict[str, Any]


def make(published: Published, place: Callable[[str], Path]) -> None:
    """Write TruthfulQA and its folds, MQuAKE, CLUTRR, and which of their cases are in which split.

    Parameters
    ----------
    place : gives the path of a data file by its name.
    """

    def file(name: str) -> Path:
        return published.file(REPOSITORY, f"dataset/{name}")

    folds = [
        {part: _csv_rows(file(f"truthfulqa/fold_{fold}_{part}_seed_42.csv")) for part in PARTS}
        for fold in (0, 1)
    ]
    questions, membership = truthfulqa(folds)
    write_jsonl(place("truthfulqa.jsonl.gz"), questions)
    write_json(place("truthfulqa_folds.json"), membership)
    splits: dict[str, Any] = {"comment": "ids of each split of the paper, in the files' order"}
    for name, path, ending, key in SPLIT_TASKS:
        rows = {part: _rows(file(f"{path}/{part}.{ending}"), key) for part in PARTS}
        for part in PARTS:
            write_jsonl(place(f"{name}_{part}.jsonl.gz"), rows[part])
        splits[name] = {part: [row[key] for row in rows[part]] for part in PARTS}
    write_json(place("splits.json"), splits)


def truthfulqa(folds: list[dict[str, list[dict[str, str]]]]) -> tuple[list[Row], Row]:
    """Join the two folds: questions with ids, and which ids are in which part of a fold.

    A question's id is its place in the hub's order, of which each fold tests one half.

    Parameters
    ----------
    folds : rows of the CSV of each part of each fold.
    """
    ordered = [row for fold in folds for row in fold["test"]]
    ids = {row["Question"]: number for number, row in enumerate(ordered)}
    membership = {
        "comment": "ids are places in the hub's order; sha: of the question, 16 hex of its sha256",
        "sha_by_id": [_sha(row["Question"]) for row in ordered],
        "folds": [
            {part: [ids[row["Question"]] for row in fold[part]] for part in PARTS} for fold in folds
        ],
    }
    return [_question(number, row) for number, row in enumerate(ordered)], membership


def _question(number: int, row: dict[str, str]) -> Row:
    return {
        "id": number,
        "sha": _sha(row["Question"]),
        "type": row["Type"],
        "category": row["Category"],
        "question": row["Question"].strip(),
        "best_answer": row["Best Answer"].strip(),
        "correct_answers": split_answers(row["Correct Answers"]),
        "incorrect_answers": split_answers(row["Incorrect Answers"]),
        "source": row["Source"],
    }


def _sha(question: str) -> str:
    return hashlib.sha256(question.strip().encode()).hexdigest()[:16]


def _csv_rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _rows(file: Path, key: str) -> list[Row]:
    return [row for _, row in read_rows(file, (key,))]
