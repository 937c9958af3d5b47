"""Training rows as the loss takes them: numbered documents, and one tuple a positive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from tenpapers.errors import UserError

from ..inputs.claims import claim_key
from ..records import Passage, Training

if TYPE_CHECKING:
    from jaxtyping import Int64


class Tuple(NamedTuple):
    """A query with one of its positives.

    Parameters
    ----------
    row : number of the query's training row.
    positive : number of the document.
    """

    row: int
    positive: int


@dataclass(frozen=True)
class Documents:
    """The distinct passages of a training set; what shares a pid or a text is one document.

    Parameters
    ----------
    texts : title and text of each.
    number : of a document, by pid.
    """

    texts: list[str]
    number: dict[str, int]


@dataclass(frozen=True)
class TrainingSet:
    """Rows ready for training.

    Parameters
    ----------
    rows : those with at least one positive.
    claims : number of each row's normalised claim; rows of one claim share it.
    positives, negatives : numbers of each row's documents; negatives hardest first.
    without_positive : how many rows had none and were left out.
    """

    rows: Sequence[Training]
    documents: Documents
    claims: Int64[np.ndarray, " rows"]
    positives: list[Int64[np.ndarray, " own"]]
    negatives: list[Int64[np.ndarray, " own"]]
    without_positive: int

    @property
    def tuples(self) -> list[Tuple]:
        """One tuple a positive."""
        return [Tuple(row, int(number)) for row, own in enumerate(self.positives) for number in own]


def number_documents(passages: Sequence[Passage]) -> Documents:
    """Number the distinct passages, in order of first appearance.

    Raises
    ------
    UserError : one pid stands for two texts.
    """
    texts: list[str] = []
    by_text: dict[str, int] = {}
    number: dict[str, int] = {}
    for passage in passages:
        text = normalized_text(passage.document)
        if text not in by_text:
            by_text[text] = len(texts)
            texts.append(passage.document)
        own = number.setdefault(passage.pid, by_text[text])
        if own != by_text[text]:
            raise UserError(
                f"pid {passage.pid!r} stands for two texts", "give every passage a pid of its own"
            )
    return Documents(texts, number)


def normalized_text(text: str) -> str:
    """A text in small letters with single blanks: copies of a passage have one."""
    return " ".join(text.lower().split())


def training_set(rows: Sequence[Training]) -> TrainingSet:
    """Number the documents and claims of training rows.

    Raises
    ------
    UserError : no row has a positive, with the signals that gave none; a passage is positive and
        negative of one query; two rows have one qid; see `number_documents`.
    """
    _check_rows(rows)
    usable = [row for row in rows if row.positives]
    if not usable:
        raise UserError(
            f"none of {len(rows)} training rows has a positive", _signals_without_positive(rows)
        )
    documents = number_documents([p for row in usable for p in (*row.positives, *row.negatives)])
    claim_numbers: dict[str, int] = {}
    claims = [
        claim_numbers.setdefault(claim_key(row.claim or row.question), len(claim_numbers))
        for row in usable
    ]
    positives, negatives = [], []
    for row in usable:
        own = _numbers(documents, row.positives)
        positives.append(own)
        others = _numbers(documents, row.negatives)
        negatives.append(others[~np.isin(others, own)])  # a copy of a positive is no negative
    return TrainingSet(
        usable,
        documents,
        np.array(claims, dtype=np.int64),
        positives,
        negatives,
        len(rows) - len(usable),
    )


def _numbers(documents: Documents, passages: Sequence[Passage]) -> Int64[np.ndarray, " own"]:
    """Numbers of passages in their order, each once."""
    return np.array(
        list(dict.fromkeys(documents.number[passage.pid] for passage in passages)), dtype=np.int64
    )


def _check_rows(rows: Sequence[Training]) -> None:
    seen = set()
    for row in rows:
        if row.qid in seen:
            raise UserError(f"qid {row.qid!r} stands twice in the training rows")
        seen.add(row.qid)
        both = {p.pid for p in row.positives} & {p.pid for p in row.negatives}
        if both:
            raise UserError(f"qid {row.qid!r}: pid {min(both)!r} is positive and negative")


def _signals_without_positive(rows: Sequence[Training]) -> str:
    named = {signal for row in rows for signals in row.signals.values() for signal in signals}
    empty = [signal for signal in ("gold", "distill", "lerc") if signal not in named]
    return f"signals that named none: {', '.join(empty)}; look at the labels they gave"
