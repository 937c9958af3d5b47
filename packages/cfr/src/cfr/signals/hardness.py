"""Passages in the order of an encoder's scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ..records import Candidates, Passage, Query, Training
from ..retrieval.encoder import Encoder

if TYPE_CHECKING:
    from jaxtyping import Float32

RowT = TypeVar("RowT", Candidates, Training)


def best_first(rows: Sequence[Candidates], encoder: Encoder) -> list[Candidates]:
    """Candidates in falling order of an encoder's scores; equal ones stay as they are."""
    orders = _orders(rows, [row.passages for row in rows], encoder)
    return [
        row.model_copy(update={"passages": [row.passages[place] for place in order]})
        for row, order in zip(rows, orders, strict=True)
    ]


def hardest_first(rows: Sequence[Training], encoder: Encoder) -> list[Training]:
    """Training rows whose negatives stand in falling order of an encoder's scores."""
    orders = _orders(rows, [row.negatives for row in rows], encoder)
    return [
        row.model_copy(update={"negatives": [row.negatives[place] for place in order]})
        for row, order in zip(rows, orders, strict=True)
    ]


def _orders(
    rows: Sequence[Candidates] | Sequence[Training],
    passages: Sequence[Sequence[Passage]],
    encoder: Encoder,
) -> list[list[int]]:
    """Order of each row's passages; every distinct text is encoded once."""
    distinct = {passage.document: passage for own in passages for passage in own}
    place = {text: number for number, text in enumerate(distinct)}
    documents = encoder.encode_passages(list(distinct.values()), progress="passages")
    asked = [Query(qid=row.qid, claim=row.claim, question=row.question) for row in rows]
    queries = encoder.encode_queries(asked, progress="queries")
    return [
        _falling(documents[[place[passage.document] for passage in own]] @ query)
        for own, query in zip(passages, queries, strict=True)
    ]


def _falling(scores: Float32[np.ndarray, " n"]) -> list[int]:
    return np.argsort(-scores, kind="stable").tolist()
