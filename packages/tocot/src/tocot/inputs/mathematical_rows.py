"""Rows of the Mathematical group: GSM8K, GSM-Hard, MATH, GPQA."""

import re
import zlib

import numpy as np

from ..records import LETTERS, TaskItem
from .row_items import Row, row_item
from .task_registry import TaskSpec

GPQA_SEED = 1  # options are shuffled once


def read_gsm8k(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    """The answer ends with "#### result"; marks of the calculator go."""
    rationale, _, gold = row["answer"].rpartition("####")
    plain = re.sub(r"<<[^<>]*>>", "", rationale).strip()
    result = gold.strip().replace(",", "")
    return [row_item(spec, number, row["question"], result, rationale=plain)]


def read_gsm_hard(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    """Targets may be negative or fractional; the program goes with the item."""
    gold = repr(float(row["target"]))
    more = {"name": f"gsm8k_hard-{row.get('idx', number)}", "code": row.get("code", "")}
    return [row_item(spec, number, row["input"], gold, **more)]


def read_math(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    """The hub's form has a solution with the boxed result, AGIEval's the result alone."""
    if "problem" in row:
        boxed = re.findall(r"\\boxed\{(.*)\}", row["solution"])
        more = {"level": row.get("level", ""), "type": row.get("type", "")}
        return [row_item(spec, number, row["problem"], boxed[-1], **more)]
    name = f"math-{row.get('idx', number)}"
    return [row_item(spec, number, row["question"], row["answer"], name=name)]


def read_gpqa(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    """The options are shuffled by the question's own text, so that any subset has them alike."""
    texts = [row["Correct Answer"], *(row[f"Incorrect Answer {n}"] for n in (1, 2, 3))]
    seed = [GPQA_SEED, zlib.crc32(row["Question"].encode())]
    order = np.random.default_rng(seed).permutation(4).tolist()
    return [
        row_item(
            spec,
            number,
            row["Question"],
            LETTERS[order.index(0)],
            choices=[texts[position].strip() for position in order],
            subject=row.get("High-level domain", ""),
            rationale=row.get("Explanation", ""),
        )
    ]
