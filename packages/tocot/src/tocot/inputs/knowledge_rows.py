"""Rows of the Knowledge group: ARC, MMLU, MMLU-Pro."""

import re

from ..records import LETTERS, TaskItem
from .row_items import OPTION, Row, SkippedRowError, row_item
from .task_registry import TaskSpec


def read_arc(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    """Labels are letters or figures; items get letters."""
    labels, texts = row["choices"]["label"], row["choices"]["text"]
    gold = LETTERS[labels.index(row["answerKey"])]
    return [row_item(spec, number, row["question"], gold, choices=texts, name=row.get("id"))]


def read_mmlu(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    """Gold counts from 0."""
    gold = LETTERS[int(row["answer"])]
    more = {"subject": row.get("subject", "")}
    return [row_item(spec, number, row["question"], gold, choices=row["choices"], **more)]


def read_mmlu_pro(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    """The subject is called category; the demonstrations' reasoning begins with "A: "."""
    rationale = row.get("cot_content", "").removeprefix("A: ")
    more = {"subject": row.get("category", ""), "rationale": rationale}
    question, gold = row["question"], row["answer"]
    return [row_item(spec, number, question, gold, choices=row["options"], **more)]


def read_mmlu_dev(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    """Question with its options inside, answer at the end of a rationale; or the hub's rows."""
    if "target" not in row:
        return read_mmlu(spec, row, number)
    stem, _, tail = row["question"].partition("\n(A)")
    options = OPTION.findall(f"(A){tail}")
    hit = re.search(r"answer is \(([A-J])\)", row["target"])
    if hit is None or hit.group(1) not in [label for label, _ in options]:
        raise SkippedRowError
    return [
        row_item(
            spec,
            number,
            stem,
            hit.group(1),
            choices=[text for _, text in options],
            name=f"mmlu-{row['subject']}-{row['index']}",
            subject=row["subject"],
            rationale=row["target"],
        )
    ]
