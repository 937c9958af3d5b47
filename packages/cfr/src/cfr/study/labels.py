"""Training rows of the study, from the three signals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..contrast.control import permuted
from ..inputs.averitec_pool import PooledQuery
from ..records import Candidates, Judgement, Labels, Relevance, Training
from ..retrieval.vectors import VectorCache
from ..signals.combine import combine_labels
from ..signals.settings import Combine
from .corpora import Corpus

# The rows of training that a table has, and the signals that each learns from.
SIGNALS: Mapping[str, Combine] = {"A1": "gold", "A2": "distill", "A3": "lerc", "CFR": "union"}
CONTROL = "C1"


def gold_labels(
    corpus: Corpus, queries: Sequence[PooledQuery], candidates: Sequence[Candidates]
) -> list[Labels]:
    """The known evidence is relevant, and brought along; all other candidates are not."""
    by_pid = {passage.pid: passage for passage in corpus.passages}
    found = []
    for one, row in zip(queries, candidates, strict=True):
        relevant = [by_pid[pid] for pid in sorted(one.relevant)]
        said = [Judgement(pid=passage.pid, score=1.0, rel=1) for passage in relevant]
        said += [
            Judgement(pid=passage.pid, score=0.0, rel=0)
            for passage in row.passages
            if passage.pid not in one.relevant
        ]
        found.append(Labels(qid=row.qid, signal="gold", judgements=said, passages=relevant))
    return found


def equivalence_labels(
    candidates: Sequence[Candidates], encoder: VectorCache, *, hi: float, lo: float
) -> list[Labels]:
    """A candidate stands for the answer that a reader would give from it: each is one sentence.

    Its score is the cosine to a person's answer, of several the nearest. This takes the place of a
    reader and of LERC, which it is not.
    """
    vectors = _vectors(candidates, encoder)
    found = []
    for row in candidates:
        if not row.answers or not row.passages:
            found.append(Labels(qid=row.qid, signal="lerc", skipped="no right answer"))
            continue
        windows = np.stack([vectors[passage.document] for passage in row.passages])
        right = np.stack([vectors[answer] for answer in row.answers])
        best = (windows @ right.T).max(axis=1).clip(0, 1)
        said = [
            Judgement(pid=passage.pid, score=score, rel=_relevance(score, hi, lo))
            for passage, score in zip(row.passages, best.tolist(), strict=True)
        ]
        found.append(Labels(qid=row.qid, signal="lerc", judgements=said))
    return found


def _vectors(candidates: Sequence[Candidates], encoder: VectorCache) -> dict[str, np.ndarray]:
    """Vectors of passages and answers by their text, each text's once."""
    texts = [passage.document for row in candidates for passage in row.passages]
    texts += [answer for row in candidates for answer in row.answers]
    distinct = list(dict.fromkeys(texts))
    return dict(zip(distinct, encoder.of(distinct, encoder.config.document_length), strict=True))


def _relevance(score: float, hi: float, lo: float) -> Relevance:
    if score >= hi:
        return 1
    return 0 if score <= lo else None


def training_rows(
    row: str, labels: Sequence[Labels], candidates: Sequence[Candidates], *, seed: int
) -> list[Training]:
    """What a row of the table is trained on; nothing where its signal named no positive.

    The control has gold's positives, each with another claim's query.
    """
    signal: Combine = SIGNALS.get(row, "gold")
    usable = [own for own in labels if signal in ("union", own.signal)]
    if not any(one.rel == 1 for own in usable for one in own.judgements):
        return []
    rows, _ = combine_labels(usable, candidates, combine=signal)
    return permuted(rows, seed=seed) if row == CONTROL else rows


def agreement(labels: Iterable[Labels], queries: Sequence[PooledQuery]) -> dict[str, Any]:
    """How a teacher's labels agree with the known evidence.

    Returns
    -------
    `judged` passages, `relevant` of them by gold and `positive` by the teacher, `both`; `precision`
    and `recall` of the positives; `auc`, the chance that a relevant passage scores above another of
    its query. None where nothing can be said.
    """
    gold = {one.query.qid: one.relevant for one in queries}
    counts = {"judged": 0, "relevant": 0, "positive": 0, "both": 0}
    wins: list[float] = []
    for own in labels:
        known = [one for one in own.judgements if one.score is not None]
        right = [float(one.score or 0) for one in known if one.pid in gold[own.qid]]
        others = [float(one.score or 0) for one in known if one.pid not in gold[own.qid]]
        wins += [float(a > b) + 0.5 * (a == b) for a in right for b in others]
        counts["judged"] += len(known)
        counts["relevant"] += len(right)
        positive = [one.pid for one in own.judgements if one.rel == 1]
        counts["positive"] += len(positive)
        counts["both"] += sum(pid in gold[own.qid] for pid in positive)
    return counts | {
        "precision": counts["both"] / counts["positive"] if counts["positive"] else None,
        "recall": counts["both"] / counts["relevant"] if counts["relevant"] else None,
        "auc": float(np.mean(wins)) if wins else None,
    }
