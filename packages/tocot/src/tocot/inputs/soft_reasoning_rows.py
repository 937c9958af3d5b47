"""Rows of the Soft reasoning group: AGIEval's LSAT, MuSR, MuSiQue, BiGGen-Bench."""

import ast
import json
import re

from ..records import LETTERS, TaskItem
from .row_items import Row, SkippedRowError, row_item
from .task_registry import TaskSpec

# The gold answer of a question that its paragraphs do not answer; the prompt names it too.
UNANSWERABLE = "unanswerable"
_HUB_LSAT = re.compile(r"\A(.*?)\s*Q: (.*?)\s*Answer Choices:", re.DOTALL)


def read_lsat(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    """AGIEval's own rows; on the hub a query holds passage and question, gold counts from 0."""
    if "query" in row:
        passage, question = _HUB_LSAT.findall(row["query"])[0]
        label = LETTERS[int(row["gold"][0])]
        row = {"options": row["choices"], "label": label, "passage": passage, "question": question}
    options = [str(option) for option in row["options"]]
    if [option[1:2] for option in options] != list(LETTERS[: len(options)]):
        raise SkippedRowError
    return [
        row_item(
            spec,
            number,
            row["question"],
            row["label"],
            choices=[re.sub(r"^\([A-Z]\)\s*", "", option) for option in options],
            name=f"{spec.name}-{row.get('idx', number)}",
            context=row.get("passage"),
        )
    ]


def read_musr(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    """The local form has several questions a story; the hub's has one."""
    if "questions" in row:
        return [
            row_item(
                spec,
                number,
                asked["question"],
                LETTERS[int(asked["answer"])],
                choices=asked["choices"],
                name=f"{row['id']}-{position}",
                context=row["context"],
                story_id=row["id"],
            )
            for position, asked in enumerate(row["questions"])
        ]
    choices = row["choices"]
    if isinstance(choices, str):
        choices = ast.literal_eval(choices)
    gold = LETTERS[int(row["answer_index"])]
    more = {"choices": choices, "context": row["narrative"]}
    return [row_item(spec, number, row["question"], gold, **more)]


def read_musique(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    """The supporting paragraphs alone; the first three where there is no answer."""
    answerable = bool(row.get("answerable", True))
    shown = [paragraph for paragraph in row["paragraphs"] if paragraph.get("is_supporting")]
    if not answerable:
        shown = list(row["paragraphs"])[:3]
    context = "\n\n".join(f"{part['title']}: {part['paragraph_text']}" for part in shown)
    gold = [row["answer"], *row.get("answer_aliases", [])] if answerable else [UNANSWERABLE]
    return [row_item(spec, number, row["question"], gold, name=row.get("id"), context=context)]


_DROPPED_CAPABILITIES = {"multilingual", "tool_usage"}
_DROPPED_TASKS = {
    "competition_mwp",
    "hypothesis_proposal",
    "high_school_mwp",
    "first_order_logic",
    "table_reason",
    "revision_with_tools",
    "rationale_revision",
    "llm_judge_absolute",
    "llm_judge_relative",
    "faux_pas_explanation",
    "faithful_explanation",
    "false_context",
    "role_playing",
}


def read_biggen(spec: TaskSpec, row: Row, number: int) -> list[TaskItem]:
    """Without what the paper leaves out: some abilities, and questions that ask for steps."""
    if row["capability"] in _DROPPED_CAPABILITIES or row["task"] in _DROPPED_TASKS:
        raise SkippedRowError
    if re.search(r"step[- ]by[- ]step", row["input"], re.IGNORECASE):
        raise SkippedRowError
    return [
        row_item(
            spec,
            number,
            row["input"],
            str(row.get("reference_answer", "")),
            name=row.get("id"),
            context=row.get("system_prompt"),
            rubric=json.dumps(row.get("score_rubric", {})),
            capability=row["capability"],
        )
    ]
