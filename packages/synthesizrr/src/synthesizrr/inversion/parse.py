"""From what the teacher wrote to labelled texts."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal, Self

import typer

from ..inputs.task import Task
from ..records import Generation, Synthetic, text_digest
from ..scoring.sentences import sentence_ends
from .echoes import first_block, split_at_answers, without_lead
from .prompts import CONTROL
from .refusals import declines, refuses

Truncated = Literal["drop", "trim", "keep"]


@dataclass(frozen=True)
class ParseSettings:
    """Which texts of the generations are kept."""

    multi: Annotated[bool, typer.Option("--multi", help="Keep further texts of a generation.")] = (
        False
    )
    fewgen: Annotated[
        bool, typer.Option("--fewgen", help="Of FewGen: the task's refusal markers do not count.")
    ] = False
    deduplicate: Annotated[
        bool, typer.Option("--deduplicate/--keep-duplicates", help="Each text once a label.")
    ] = True
    truncated: Annotated[
        Truncated,
        typer.Option(help="A text that the token limit cut: set aside, up to its last sentence."),
    ] = "drop"


@dataclass
class ParseReport:
    """What became of the generations: counts, and the shares that metrics are printed beside.

    Parameters
    ----------
    generations : read; texts : that came out.
    refused, filtered : that decline, or that the provider held back.
    truncated : set aside because the limit of tokens cut them within a sentence; trimmed : texts
        that end before the cut.
    copied : texts that are one of their demonstrations. empty : generations without a text.
    duplicate : texts that repeat. labels : texts of each label, those of the task without one too.
    """

    generations: int = 0
    texts: int = 0
    refused: int = 0
    filtered: int = 0
    truncated: int = 0
    copied: int = 0
    empty: int = 0
    duplicate: int = 0
    trimmed: int = 0
    labels: dict[str, int] = field(default_factory=dict)

    @property
    def set_aside(self) -> dict[str, int]:
        """What did not become a text, by reason; without `multi` it and the texts are all."""
        names = ("refused", "filtered", "truncated", "copied", "empty", "duplicate")
        return {name: getattr(self, name) for name in names}

    @property
    def rates(self) -> dict[str, float]:
        """What was set aside as shares of the generations."""
        whole = max(1, self.generations)
        return {name: count / whole for name, count in self.set_aside.items()}

    def as_json(self) -> dict[str, Any]:
        """As `parse.json` holds it."""
        return asdict(self) | {"rates": self.rates}

    @classmethod
    def of(cls, values: dict[str, Any]) -> Self:
        """The report that `as_json` gave."""
        return cls(**{name: value for name, value in values.items() if name != "rates"})

    def sentence(self) -> str:
        """The whole account in words: every generation is in one of the numbers."""
        aside = ", ".join(f"{count} {name}" for name, count in self.set_aside.items() if count)
        trimmed = f" ({self.trimmed} of them trimmed)" if self.trimmed else ""
        told = f"{self.texts} texts{trimmed} of {self.generations} generations"
        lacking = [label for label, count in self.labels.items() if not count]
        none = f"; no text of label {', '.join(lacking)}" if lacking else ""
        return f"{told}; set aside: {aside or 'nothing'}{none}"


def cleaned(piece: str) -> str:
    """Without control signs, blanks around it, and one pair of double, then of single quotes."""
    piece = CONTROL.sub("", piece).strip()
    if piece.count("**") == 1:  # the other half went with a heading
        piece = piece.removesuffix("**").strip()
    for quote in ('"', "'"):
        if len(piece) >= 2 and piece[0] == piece[-1] == quote:
            piece = piece[1:-1].strip()
    return piece


def pieces(text: str, task: Task, *, label: str | None = None, fewgen: bool = False) -> list[str]:
    """All texts of one generation.

    The generation is split at the answer prefix; a piece ends before the document header, the
    instruction or the turn that the teacher may have gone on with. A refusal gives none.

    Parameters
    ----------
    label : that was asked for; its instruction's words are known. None: those of all labels.
    """
    if _is_refusal(text, task, label, fewgen=fewgen):
        return []
    return [piece for piece, _ in _pieces(text, task, label)]


def _pieces(text: str, task: Task, label: str | None) -> Iterator[tuple[str, bool]]:
    """Every text of a generation, and whether it ended before the generation did."""
    parts = split_at_answers(without_lead(text.replace("\r\n", "\n"), task, label), task)
    for number, part in enumerate(parts, 1):
        block, ended = first_block(without_lead(part, task, label), task, label)
        if made := cleaned(block):
            yield made, ended or number < len(parts)


def _is_refusal(text: str, task: Task, label: str | None, *, fewgen: bool) -> bool:
    """Of FewGen the task's markers do not count, and an answer behind polite words is one."""
    if not fewgen and refuses(text, task):
        return True
    found = [piece for piece, _ in _pieces(text, task, label)]
    return bool(found) and declines(found[0]) and (not fewgen or len(found) == 1)


def parse(
    generations: Sequence[Generation],
    task: Task,
    *,
    multi: bool = False,
    fewgen: bool = False,
    deduplicate: bool = False,
    truncated: Truncated = "drop",
) -> tuple[list[Synthetic], ParseReport]:
    """Labelled texts of all generations, ids `<generation id>###<k>`.

    Parameters
    ----------
    multi : keep further texts of a generation as well, not only the first.
    fewgen : the task's refusal markers do not count.
    deduplicate : a text of a label is kept once; blanks and case do not tell texts apart.
    truncated : what becomes of a text that the limit of tokens cut within a sentence: "drop" sets
        it aside, "trim" keeps its whole sentences where there are any, "keep" leaves it as it is.
    """
    report = ParseReport(generations=len(generations))
    rows: list[Synthetic] = []
    seen: set[tuple[str, str]] = set()
    for answer in generations:
        if answer.finish_reason == "filtered":
            report.filtered += 1
            continue
        text, label = answer.generation, answer.label
        if answer.finish_reason == "refused" or _is_refusal(text, task, label, fewgen=fewgen):
            report.refused += 1
            continue
        found = list(_pieces(text, task, label))
        if not found:
            report.empty += 1
            continue
        for number, (piece, ended) in enumerate(found if multi else found[:1]):
            whole = piece
            if answer.finish_reason == "length" and not ended and truncated != "keep":
                whole = _whole_sentences(piece, trim=truncated == "trim")
            digest = text_digest(whole)
            if not whole:
                report.truncated += 1
            elif digest in answer.icl_sha256:
                report.copied += 1
            elif deduplicate and (label, digest) in seen:
                report.duplicate += 1
            else:
                report.trimmed += whole != piece
                seen.add((label, digest))
                rows.append(_synthetic(answer, number, whole))
    report.texts = len(rows)
    counts = Counter(row.label for row in rows)
    asked = {answer.label for answer in generations}
    report.labels = {label: counts[label] for label in sorted(asked)}
    return rows, report


def _whole_sentences(piece: str, *, trim: bool) -> str:
    """A piece that ends with a sentence; else what is left of it when it is trimmed, or nothing."""
    # As if the text went on: "the U.S." and "$46." may be cut as well.
    ends = [end for end in sentence_ends(f"{piece} and") if end == len(piece) or trim]
    if ends and ends[-1] == len(piece) and re.search(r"\d\.$", piece):
        ends.pop()
    return piece[: ends[-1]] if ends else ""


def _synthetic(answer: Generation, number: int, text: str) -> Synthetic:
    """One text, with where it is from and the fields that the input had besides."""
    known = {
        "id": f"{answer.id}###{number}",
        "text": text,
        "label": answer.label,
        "seed_id": answer.seed_id,
        "doc_id": answer.doc_id,
        "rank": answer.rank,
        "score": answer.score,
        "context": answer.context,
        "icl_ids": answer.icl_ids,
    }
    return Synthetic.model_validate(answer.unknown | known)
