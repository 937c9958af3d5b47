"""The published files, and files of facts, as items of one form."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.records import read_json, read_json_lines

from ..records import Task
from .normalised_text import normalise, stands_in

# A list written as a Python literal (one public copy of MuSiQue has them) is read up to here.
LITERAL_CHARACTERS = 1_000_000


@dataclass(frozen=True)
class Passage:
    """A text with its title."""

    title: str
    text: str


@dataclass(frozen=True)
class Fact:
    """What a generated passage states: the relation of the entity is the value."""

    entity: str
    relation: str
    value: str


@dataclass(frozen=True)
class QuestionItem:
    """A question that one passage answers (MDQA); `fact` where the file has facts, no passages."""

    id: str
    question: str
    answers: tuple[str, ...]
    gold: Passage | None
    distractors: tuple[Passage, ...] = ()
    fact: Fact | None = None


@dataclass(frozen=True)
class Hop:
    """One step of a multi-hop question; `#1` in its question is the answer of step 1."""

    question: str
    answer: str
    paragraph: int | None


@dataclass(frozen=True)
class ChainItem:
    """A multi-hop question (MuSiQue); without paragraphs it serves the synthetic variants only."""

    id: str
    question: str
    answers: tuple[str, ...]
    hops: tuple[Hop, ...]
    paragraphs: tuple[Passage, ...]


@dataclass(frozen=True)
class InsightItem:
    """An insight; `stated_in` are the places of the haystack documents that have it."""

    id: str
    topic: str
    subtopic: str
    insight: str
    documents: tuple[str, ...] = ()
    stated_in: tuple[int, ...] = ()


Item = QuestionItem | ChainItem | InsightItem


def read_source(task: Task, path: Path) -> list[Item]:
    """Read a source file of a task.

    Parameters
    ----------
    task : mdqa, musique or summhay.

    Raises
    ------
    UserError : missing file, a broken line (with its number), no usable row.
    """
    if task == "summhay":
        items: list[Item] = list(_insights(path))
    elif task == "musique":
        items = list(_chains(path))
    else:
        items = list(_questions(path))
    if not items:
        raise UserError(f"{path}: no usable row for {task}")
    return items


def _wanted(where: str, row: object, *fields: str) -> None:
    if not isinstance(row, dict):
        raise UserError(f"{where}: an object is wanted")
    for name in fields:
        if name not in row:
            raise UserError(f"{where}: missing field {name!r}")


def _questions(path: Path) -> Iterator[QuestionItem]:
    for number, row in read_json_lines(path):
        where = f"{path}:{number}"
        if isinstance(row, dict) and {"entity", "relation", "value"} <= set(row):
            fact = Fact(row["entity"], row["relation"], row["value"])
            yield QuestionItem(
                row.get("id", f"fact{number}"),
                f"what is the {fact.relation} of {fact.entity}",
                (fact.value,),
                None,
                fact=fact,
            )
            continue
        _wanted(where, row, "question", "answers")
        name = str(row.get("id", f"nq{number - 1:04d}"))
        answers = tuple(a for a in row["answers"] if normalise(a))
        if "gold_text" in row:
            gold = Passage(row.get("gold_title", ""), row["gold_text"])
            others: tuple[Passage, ...] = ()
        else:
            _wanted(where, row, "ctxs")
            passages = [
                (bool(c.get("isgold")), Passage(c["title"], c["text"])) for c in row["ctxs"]
            ]
            golden = [passage for is_gold, passage in passages if is_gold]
            if not golden:
                raise UserError(f"{where}: no passage is marked isgold")
            gold = golden[0]
            others = tuple(passage for is_gold, passage in passages if not is_gold)
        if any(stands_in(answer, gold.text) for answer in answers):
            yield QuestionItem(name, row["question"], answers, gold, others)


def _chains(path: Path) -> Iterator[ChainItem]:
    for number, row in read_json_lines(path):
        where = f"{path}:{number}"
        _wanted(where, row, "id", "question", "answer", "question_decomposition")
        paragraphs = tuple(
            Passage(p["title"], p["paragraph_text"])
            for p in sorted(
                listed(where, row.get("paragraphs", [])), key=lambda p: int(p.get("idx", 0))
            )
        )
        steps = listed(where, row["question_decomposition"])
        hops = tuple(
            Hop(s["question"], s["answer"], s.get("paragraph_support_idx") if paragraphs else None)
            for s in steps
        )
        answers = (row["answer"], *listed(where, row.get("answer_aliases", [])))
        yield ChainItem(row["id"], row["question"], answers, hops, paragraphs)


def listed(where: str, value: object) -> list[Any]:
    """A list, or one written as a Python literal: parsed, never evaluated."""
    if isinstance(value, str):
        if len(value) > LITERAL_CHARACTERS:
            raise UserError(f"{where}: a field of {len(value)} characters is no list")
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            raise UserError(f"{where}: a field is no list and no literal of one") from None
    if not isinstance(value, list):
        raise UserError(f"{where}: a list is wanted")
    return value


def _insights(path: Path) -> Iterator[InsightItem]:
    seen = set()
    for where, row in _rows(path):
        _wanted(where, row, "topic")
        if "reference_insights" in row:
            for insight in row["reference_insights"]:
                if insight["insight_id"] not in seen:
                    seen.add(insight["insight_id"])
                    yield InsightItem(
                        insight["insight_id"],
                        row["topic"],
                        row.get("subtopic", ""),
                        insight["insight"],
                    )
            continue
        _wanted(where, row, "subtopics", "documents")
        texts = tuple(document["document_text"] for document in row["documents"])
        for subtopic in row["subtopics"]:
            for insight in subtopic["insights"]:
                name = insight["insight_id"]
                stated = tuple(
                    i for i, d in enumerate(row["documents"]) if name in d["insights_included"]
                )
                yield InsightItem(
                    name, row["topic"], subtopic.get("query", ""), insight["insight"], texts, stated
                )


def _rows(path: Path) -> Iterator[tuple[str, Any]]:
    """Rows of a JSONL file, or of a JSON file with a list."""
    if path.name.removesuffix(".gz").endswith(".json"):
        content = read_json(path)
        if not isinstance(content, list):
            raise UserError(f"{path}: a list is wanted")
        yield from ((f"{path}: entry {i}", row) for i, row in enumerate(content, 1))
    else:
        yield from ((f"{path}:{number}", row) for number, row in read_json_lines(path))


def wh_word(question: str) -> str:
    """The kind of a question: who, when, where, which, what, how, or other."""
    for word in re.findall(r"[a-z]+", question.lower()):
        if word in ("who", "whom", "whose"):
            return "who"
        if word in ("when", "where", "which", "what", "how"):
            return word
    return "other"
