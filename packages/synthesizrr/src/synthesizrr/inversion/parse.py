"""From what the teacher wrote to labelled texts."""

import re
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

import typer

from ..inputs.task import Task
from ..records import Generation, Synthetic
from .prompts import CONTROL

_PUNCTUATION = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True)
class ParseSettings:
    """Which texts of the generations are kept."""

    multi: Annotated[bool, typer.Option("--multi", help="Keep further texts of a generation.")] = (
        False
    )
    fewgen: Annotated[
        bool, typer.Option("--fewgen", help="Of FewGen: nothing counts as a refusal.")
    ] = False
    deduplicate: Annotated[
        bool, typer.Option("--deduplicate/--keep-duplicates", help="Each text once a label.")
    ] = True


@dataclass
class ParseReport:
    """What became of the generations: counts, and the shares that metrics are printed beside.

    Parameters
    ----------
    generations : read; texts : that came out.
    refused, empty, duplicate : generations that refuse, that hold no text, texts that repeat.
    """

    generations: int = 0
    texts: int = 0
    refused: int = 0
    empty: int = 0
    duplicate: int = 0
    labels: dict[str, int] = field(default_factory=dict)

    @property
    def rates(self) -> dict[str, float]:
        """Refused and empty ones as shares of the generations."""
        whole = max(1, self.generations)
        return {"refused": self.refused / whole, "empty": self.empty / whole}


def refuses(text: str, task: Task) -> bool:
    """Whether a refusal marker stands in the text, lower-cased and without punctuation."""
    plain = " ".join(text.lower().translate(_PUNCTUATION).split())
    return any(marker in plain for marker in task.refusals)


def cleaned(piece: str) -> str:
    """Without control signs, blanks around it, and one pair of double, then of single quotes."""
    piece = CONTROL.sub("", piece).strip()
    for quote in ('"', "'"):
        if len(piece) >= 2 and piece[0] == piece[-1] == quote:
            piece = piece[1:-1].strip()
    return piece


def pieces(text: str, task: Task, *, fewgen: bool = False) -> list[str]:
    """All texts of one generation.

    The generation is split at the answer prefix; a piece ends before the document header or the
    instruction that the teacher may have gone on with. A refusal gives none.
    """
    if not fewgen and refuses(text, task):
        return []
    ends = [task.document_header, *task.openings]
    pattern = re.compile("|".join(re.escape(end) for end in ends))
    found = []
    for piece in text.split(task.answer_prefix):
        cut = pattern.search(piece)
        own = piece[: cut.start()] if cut else _without_begun(piece, task.document_header)
        if made := cleaned(own):
            found.append(made)
    return found


def _without_begun(piece: str, header: str) -> str:
    """Without a header that the length limit cut off: "\\n\\nNews art" at the end."""
    head, blank, tail = piece.rpartition("\n\n")
    return head if blank and tail and header.startswith(tail) else piece


def parse(
    generations: Sequence[Generation],
    task: Task,
    *,
    multi: bool = False,
    fewgen: bool = False,
    deduplicate: bool = False,
) -> tuple[list[Synthetic], ParseReport]:
    """Labelled texts of all generations, ids `<generation id>###<k>`.

    Parameters
    ----------
    multi : keep further texts of a generation as well, not only the first.
    fewgen : nothing counts as a refusal.
    deduplicate : a text of a label is kept once; blanks and case do not tell texts apart.
    """
    report = ParseReport(generations=len(generations))
    rows: list[Synthetic] = []
    seen: set[tuple[str, str]] = set()
    for answer in generations:
        if not fewgen and refuses(answer.generation, task):
            report.refused += 1
            continue
        found = pieces(answer.generation, task, fewgen=fewgen)
        if not found:
            report.empty += 1
            continue
        for number, text in enumerate(found if multi else found[:1]):
            key = (answer.label, " ".join(text.lower().split()))
            if deduplicate and key in seen:
                report.duplicate += 1
                continue
            seen.add(key)
            rows.append(
                Synthetic(
                    id=f"{answer.id}###{number}",
                    text=text,
                    label=answer.label,
                    seed_id=answer.seed_id,
                    doc_id=answer.doc_id,
                    rank=answer.rank,
                    score=answer.score,
                    context=answer.context,
                    icl_ids=answer.icl_ids,
                )
            )
    report.texts = len(rows)
    report.labels = dict(sorted(Counter(row.label for row in rows).items()))
    return rows, report
