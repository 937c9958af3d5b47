"""Rows of the Commonsense group: CommonsenseQA, StrategyQA, SIQA, PIQA, WinoGrande."""

from ..records import LETTERS, TaskItem
from .row_items import Row, row_item
from .task_registry import TaskSpec


def read_csqa(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    """The hub's form has a text as question, the published file a stem with its choices."""
    question = row["question"]
    if isinstance(question, str):
        stem = question
        labels, texts = row["choices"]["label"], row["choices"]["text"]
    else:
        stem = question["stem"]
        labels = [choice["label"] for choice in question["choices"]]
        texts = [choice["text"] for choice in question["choices"]]
    options = {"choices": texts, "labels": labels}
    return [row_item(spec, number, stem, row["answerKey"], name=row.get("id"), **options)]


def read_strategyqa(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    """A yes or no question, with True and False as its options."""
    gold = "A" if row["answer"] else "B"
    name = f"stratqa-{row.get('qid', number)}"
    return [row_item(spec, number, row["question"], gold, choices=["True", "False"], name=name)]


def read_siqa(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    """Gold counts from 1."""
    texts = [row["answerA"], row["answerB"], row["answerC"]]
    gold = LETTERS[int(row["label"]) - 1]
    return [row_item(spec, number, row["question"], gold, choices=texts, context=row["context"])]


def read_piqa(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    """Gold counts from 0."""
    gold = LETTERS[int(row["label"])]
    return [row_item(spec, number, row["goal"], gold, choices=[row["sol1"], row["sol2"]])]


def read_winogrande(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    """Gold counts from 1."""
    gold = LETTERS[int(row["answer"]) - 1]
    texts = [row["option1"], row["option2"]]
    return [row_item(spec, number, row["sentence"], gold, choices=texts)]
