"""Training rows from labels: the union of the signals, hard negatives by an encoder's scores."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from tenpapers.errors import UserError

from ..contrast.batches import draw_negatives
from ..contrast.tuples import normalized_text
from ..records import Candidates, Labels, Signal, Training
from ..retrieval.encoder import Encoder
from .hardness import hardest_first
from .settings import Combine

SIGNALS: tuple[Signal, ...] = ("gold", "distill", "lerc")


@dataclass(frozen=True)
class TrainingCounts:
    """Training rows, counted.

    Parameters
    ----------
    rows : written, each with a positive; `without_positive` queries with labels had none, and
        `without_labels` candidates no label at all.
    positive_by_signal : positives that each signal named; one may be named by several.
    """

    rows: int
    without_positive: int
    without_labels: int
    positives: int
    negatives: int
    positive_by_signal: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        """As it is printed with `--json`."""
        return asdict(self)


def combine_labels(
    labels: Sequence[Labels],
    candidates: Sequence[Candidates],
    *,
    combine: Combine = "union",
    hard_negatives: int | None = None,
    encoder: Encoder | None = None,
    seed: int = 0,
) -> tuple[list[Training], TrainingCounts]:
    """Make training rows: a query with the passages that are positive, and those that are negative.

    A passage is positive where any signal calls it so, negative where one does and none calls it
    positive. So a positive of one signal is never a negative of the same query.

    Parameters
    ----------
    combine : all signals, or one alone.
    hard_negatives : how many a row keeps: the hardest half, the others drawn; None keeps all.
    encoder : its scores say how hard a negative is; None takes the candidates' order.

    Returns
    -------
    Rows with at least one positive, negatives hardest first; and how many there are.

    Raises
    ------
    UserError : labels of a query or passage that is not among the candidates; no query has a
        positive (the signals that gave none are named).
    """
    of_qid: dict[str, list[Labels]] = {}
    known = {row.qid for row in candidates}
    for row in labels:
        if row.qid not in known:
            raise UserError(f"labels of query {row.qid!r}, which is not among the candidates")
        if combine in ("union", row.signal):
            of_qid.setdefault(row.qid, []).append(row)
    made = [_joined(row, of_qid[row.qid]) for row in candidates if row.qid in of_qid]
    rows = [row for row in made if row.positives]
    if not rows:
        raise UserError(
            f"none of {len(made)} queries with labels has a positive passage", _empty(labels)
        )
    if encoder is not None:
        rows = hardest_first(rows, encoder)
    if hard_negatives is not None:
        rng = np.random.default_rng(seed)
        rows = [_with_drawn(row, hard_negatives, rng) for row in rows]
    return rows, _counted(rows, made, candidates)


def _joined(row: Candidates, labels: Sequence[Labels]) -> Training:
    passages = {passage.pid: passage for passage in row.passages}
    for own in labels:
        passages |= {passage.pid: passage for passage in own.passages}
    said: dict[str, list[Signal]] = {}
    against: set[str] = set()
    for own in sorted(labels, key=lambda one: SIGNALS.index(one.signal)):
        for judgement in own.judgements:
            if judgement.pid not in passages:
                raise UserError(
                    f"query {row.qid!r}: {own.signal} labels passage {judgement.pid!r}, which is "
                    "not among its candidates"
                )
            if judgement.rel == 1:
                said.setdefault(judgement.pid, []).append(own.signal)
            elif judgement.rel == 0:
                against.add(judgement.pid)
    positives = [passage for pid, passage in passages.items() if pid in said]
    texts = {normalized_text(passage.document) for passage in positives}
    negatives = [
        passage
        for pid, passage in passages.items()
        # A positive of another signal is no negative, nor is its copy under another pid.
        if pid in against and normalized_text(passage.document) not in texts
    ]
    return Training.model_validate(
        {
            **(row.model_extra or {}),
            "qid": row.qid,
            "claim": row.claim,
            "question": row.question,
            "positives": positives,
            "negatives": negatives,
            "signals": {passage.pid: said[passage.pid] for passage in positives},
        }
    )


def _with_drawn(row: Training, count: int, rng: np.random.Generator) -> Training:
    drawn = draw_negatives(np.arange(len(row.negatives)), count, rng)
    kept = [row.negatives[place] for place in sorted(drawn.tolist())]
    return row.model_copy(update={"negatives": kept})


def _empty(labels: Sequence[Labels]) -> str:
    given = {row.signal for row in labels}
    named = {row.signal for row in labels if any(j.rel == 1 for j in row.judgements)}
    empty = [signal for signal in SIGNALS if signal in given - named]
    missing = [signal for signal in SIGNALS if signal not in given]
    parts = [
        f"without a positive: {', '.join(empty)}" if empty else "",
        f"no labels of: {', '.join(missing)}" if missing else "",
    ]
    return "; ".join(part for part in parts if part)


def _counted(
    rows: Sequence[Training], made: Sequence[Training], candidates: Sequence[Candidates]
) -> TrainingCounts:
    by_signal: Mapping[Signal, int] = {
        signal: sum(signal in named for row in rows for named in row.signals.values())
        for signal in SIGNALS
    }
    return TrainingCounts(
        rows=len(rows),
        without_positive=len(made) - len(rows),
        without_labels=len(candidates) - len(made),
        positives=sum(len(row.positives) for row in rows),
        negatives=sum(len(row.negatives) for row in rows),
        positive_by_signal={signal: count for signal, count in by_signal.items() if count},
    )
