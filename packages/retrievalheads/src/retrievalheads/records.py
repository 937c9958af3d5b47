"""What flows between the stages: examples with their evidence, and their tokens."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ConfigDict, Field
from tenpapers.errors import UserError
from tenpapers.records import Record, read_json_lines

if TYPE_CHECKING:
    from jaxtyping import Int
    from torch import Tensor

Task = Literal["mdqa", "musique", "summhay"]
Variant = Literal["real-full", "real-limited", "hh", "hl", "lh", "ll", "symbolic"]
Role = Literal["gold", "bridge", "distractor", "filler"]
TASKS: tuple[Task, ...] = ("mdqa", "musique", "summhay")
SYNTHETIC: tuple[Variant, ...] = ("hh", "hl", "lh", "ll", "symbolic")
VARIANTS: tuple[Variant, ...] = ("real-full", "real-limited", *SYNTHETIC)


class Document(Record):
    """One document of a prompt; `doc_id` is its place, from 1."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    doc_id: int
    title: str | None = None
    text: str
    role: Role
    hop: int | None = None


class Needle(Record):
    """Where the evidence is: characters [start, end) of the prompt."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: Literal["answer", "bridge", "insight", "doc_id"]
    start: int
    end: int
    doc_id: int
    hop: int | None = None


class Example(Record):
    """One prompt with its target, accepted answers and the places of its evidence."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    task: Task
    variant: str
    split: str
    query: str
    documents: tuple[Document, ...]
    prompt: str = Field(min_length=1)
    target: str = Field(min_length=1)
    answers: tuple[str, ...]
    needles: tuple[Needle, ...]
    n_tokens: int
    meta: dict[str, Any] = Field(default_factory=dict)


def load_examples(path: Path, *, limit: int | None = None) -> list[Example]:
    """Read a dataset file and check its needles.

    Raises
    ------
    UserError : a line that is not JSON or lacks a field (with its number), no examples, a needle
        outside the prompt, or one whose text is not the recorded one (`meta["needle_texts"]`).
    """
    from pydantic import ValidationError
    from tenpapers.records import first_problem

    examples = []
    for number, value in read_json_lines(path):
        try:
            example = Example.model_validate(value)
        except ValidationError as error:
            raise UserError(f"{path}:{number}: {first_problem(error)}") from None
        _check_needles(f"{path}:{number}", example)
        examples.append(example)
        if limit is not None and len(examples) >= limit:
            break
    if not examples:
        raise UserError(f"{path}: no examples in it")
    return examples


def _check_needles(where: str, example: Example) -> None:
    texts = example.meta.get("needle_texts") or [None] * len(example.needles)
    if len(texts) != len(example.needles):
        raise UserError(
            f"{where}: {example.id}: {len(texts)} needle texts for {len(example.needles)} needles"
        )
    for needle, recorded in zip(example.needles, texts, strict=True):
        span = f"needle [{needle.start}, {needle.end})"
        if not 0 <= needle.start < needle.end <= len(example.prompt):
            raise UserError(
                f"{where}: {example.id}: {span} is outside the prompt of "
                f"{len(example.prompt)} characters"
            )
        found = example.prompt[needle.start : needle.end]
        if recorded is not None and found != recorded:
            raise UserError(f"{where}: {example.id}: {span} is {found!r}, not {recorded!r}")


@dataclass(frozen=True)
class TokenizedExample:
    """An example as tokens.

    Parameters
    ----------
    id : of the example.
    input_ids : prompt then answer, n + T tokens.
    n_prompt : n.
    answer_rows : T query rows whose next token is the answer's; the first is the last prompt token.
    targets : T sets of token places; empty where the step does not count, because no head could
        copy its token from the evidence.
    insight : the same for the insight probe, or None where the task has none.
    """

    id: str
    input_ids: "Int[Tensor, ' sequence']"
    n_prompt: int
    answer_rows: "Int[Tensor, ' steps']"
    targets: "list[Int[Tensor, ' places']]" = field(default_factory=list)
    insight: "list[Int[Tensor, ' places']] | None" = None


def without_nan(value: Any) -> Any:
    """A result as JSON has it: NaN becomes null."""
    if isinstance(value, dict):
        return {key: without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value
