"""Training rows of critics and refiners, from responses, labels and what a teacher said."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from tenpapers.generation.types import Message

from ..critique.critic import CriticOptions, CritiqueRequest, Variant
from ..critique.model_critic import critique_messages
from ..critique.written_form import NO_ERROR, locate, write_critique
from ..refine.model_refiner import refine_messages
from ..refine.refiner import RefineRequest, RefinerOptions, Told
from .rows import Revised, TeacherError

RowType = Literal[
    "feedback_without_correct",
    "feedback_with_correct",
    "refinement_without_correct",
    "single_step",
    "two_step_with_minicheck",
]
# A span whose words are mostly in a sentence belongs to it; share of the span's tokens.
TOKEN_RECALL = 0.6


class Assigned(NamedTuple):
    """An error and the number of its sentence."""

    sentence_idx: int
    error: TeacherError


@dataclass
class Built:
    """Training rows, and what did not become one.

    Parameters
    ----------
    dropped : errors without a sentence, or of a sentence that the detector supports; flagged
        sentences without an error; responses whose teacher could not be read or refined nothing.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)


def build(rows: Sequence[Revised], critic: CriticOptions, refiner: RefinerOptions) -> Built:
    """Make the training rows of all five models (DCR, training data)."""
    built = Built()
    for row in rows:
        built.rows += _rows_of(row, critic, refiner, built.dropped)
    return built


def assign(row: Revised, dropped: Counter[str]) -> list[Assigned]:
    """Each error with its sentence, in the order of the sentences.

    An error belongs to the sentence that contains its span, else to the one with most of the
    span's words. It counts where the detector flags that sentence.
    """
    found = []
    for error in row.teacher_errors:
        number = sentence_of(error.span, row.sentences)
        if number is None:
            dropped["error in no sentence"] += 1
        elif row.labels[number]:
            dropped["error in a supported sentence"] += 1
        else:
            found.append(Assigned(number, error))
    return sorted(found, key=lambda one: one.sentence_idx)


def sentence_of(span: str, sentences: Sequence[str]) -> int | None:
    """Which sentence a span is from; None of one that is from none."""
    for number, sentence in enumerate(sentences):
        if locate(span, sentence):
            return number
    recall = [_recall(span, sentence) for sentence in sentences]
    best = max(range(len(recall)), key=recall.__getitem__, default=None)
    return best if best is not None and recall[best] >= TOKEN_RECALL else None


def _recall(span: str, sentence: str) -> float:
    """Share of the span's tokens that a sentence has, each as often as it has it."""
    wanted, there = (Counter(re.findall(r"\w+", text.lower())) for text in (span, sentence))
    return sum((wanted & there).values()) / max(1, wanted.total())


def _rows_of(
    row: Revised, critic: CriticOptions, refiner: RefinerOptions, dropped: Counter[str]
) -> Iterator[dict[str, Any]]:
    errors = assign(row, dropped)
    yield from _critic_rows(row, errors, critic, dropped)
    if row.summary_factual:
        yield _row(row, "single_step", "1", _refine(row, "direct", "", refiner), row.response)
        return
    if row.teacher_unparsed:
        dropped["teacher unparsed"] += 1
    elif row.refinement is None:
        dropped[f"refinement: {row.refinement_rejection or 'none'}"] += 1
    if row.refinement is None:
        return
    told: list[tuple[RowType, Told, str]] = [
        ("refinement_without_correct", "feedback", _feedback(row, critic)),
        ("single_step", "direct", ""),
        ("two_step_with_minicheck", "detected", ""),
    ]
    for kind, how, feedback in told:
        yield _row(row, kind, "1", _refine(row, how, feedback, refiner), row.refinement)


def _critic_rows(
    row: Revised, errors: Sequence[Assigned], critic: CriticOptions, dropped: Counter[str]
) -> Iterator[dict[str, Any]]:
    for number, sentence in enumerate(row.sentences):
        own = [one.error for one in errors if one.sentence_idx == number]
        variants: list[Variant] = ["with_correct"]
        if row.labels[number]:
            targets = [NO_ERROR]
        else:
            targets = [_target(error, critic) for error in own]
            variants = ["without_correct", "with_correct"]
            if not own:
                dropped["flagged sentence without an error"] += 1
        request = CritiqueRequest(row, number, sentence, row.offsets[number])
        for variant in variants:
            asked = critique_messages(request, critic.with_variant(variant))
            kind: RowType = (
                "feedback_with_correct" if variant == "with_correct" else "feedback_without_correct"
            )
            for place, target in enumerate(targets, 1):
                made = _row(row, kind, f"{number}|{place}", asked, target)
                yield made | {"sentence": sentence, "label": row.labels[number]}


def _target(error: TeacherError, critic: CriticOptions) -> str:
    parts = critic.parts.split(",")
    return write_critique(
        error.feedback if "reason" in parts else "",
        error.span,
        error.fix if "fix" in parts else None,
    )


def _feedback(row: Revised, critic: CriticOptions) -> str:
    """The errors as a critic trained on these rows writes them, numbered, in the text's order."""

    def place(error: TeacherError) -> int:
        number = sentence_of(error.span, row.sentences)
        return len(row.sentences) if number is None else number

    ordered = sorted(row.teacher_errors, key=place)
    lines = (" ".join(_target(error, critic).split()) for error in ordered)
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, 1))


def _refine(
    row: Revised, told: Told, feedback: str, refiner: RefinerOptions
) -> tuple[Message, ...]:
    return refine_messages(RefineRequest(row, told, feedback), refiner)


def _row(
    row: Revised, kind: RowType, place: str, prompt: Sequence[Message], completion: str
) -> dict[str, Any]:
    """A row as trl's trainers read it, with what it was made from."""
    return {
        "id": f"{row.id}|{kind}|{place}",
        "type": kind,
        "instance_id": row.id,
        "dataset": row.dataset,
        "document": row.document,
        "prompt": [message.model_dump() for message in prompt],
        "completion": [{"role": "assistant", "content": completion}],
    }
