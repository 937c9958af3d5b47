"""Answer equivalence: does a reader, given one window alone, answer as people did?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tenpapers.generation import Generator

from ..reading.reader import MAX_NEW_TOKENS, Case, Reading, read
from ..records import Candidates, Judgement, Labels, Relevance

if TYPE_CHECKING:
    from jaxtyping import Float32
    from numpy import ndarray

WINDOWS = 10
# From which score on a window is positive, and up to which it is negative. The paper's are not
# known.
HI, LO = 0.7, 0.3
# Queries whose answers are scored together.
_TOGETHER = 16


class Scorer(Protocol):
    """Scores answers against a right one, 0 to 1: LERC, or what stands in for it."""

    def score(
        self,
        context: Sequence[str],
        question: Sequence[str],
        reference: Sequence[str],
        candidate: Sequence[str],
    ) -> "Float32[ndarray, ' n']":
        """Score each candidate; the four lists have one length."""
        ...


@dataclass(frozen=True)
class Equivalence:
    """Labels of a query, and what happened on the way.

    Parameters
    ----------
    unanswered, cut, refused : readings that said that the window does not answer, that ended at
        the limit of tokens, that the model or its provider declined.
    failed : requests that got no answer.
    """

    labels: Labels
    unanswered: int = 0
    cut: int = 0
    refused: int = 0
    failed: int = 0


def lerc(
    candidates: Sequence[Candidates],
    reader: Generator,
    scorer: Scorer,
    *,
    answers: Mapping[str, Sequence[str]] | None = None,
    windows: int = WINDOWS,
    hi: float = HI,
    lo: float = LO,
    folder: Path | None = None,
    max_new_tokens: int = MAX_NEW_TOKENS,
    seed: int = 0,
    progress: str | None = None,
) -> list[Labels]:
    """Label candidates by answer equivalence; see `equivalences` for how it went."""
    done = equivalences(
        candidates,
        reader,
        scorer,
        answers=answers,
        windows=windows,
        hi=hi,
        lo=lo,
        folder=folder,
        max_new_tokens=max_new_tokens,
        seed=seed,
        progress=progress,
    )
    by_qid = {one.labels.qid: one.labels for one in done}
    return [by_qid[row.qid] for row in candidates]


def equivalences(
    candidates: Sequence[Candidates],
    reader: Generator,
    scorer: Scorer,
    *,
    answers: Mapping[str, Sequence[str]] | None = None,
    windows: int = WINDOWS,
    hi: float = HI,
    lo: float = LO,
    folder: Path | None = None,
    max_new_tokens: int = MAX_NEW_TOKENS,
    seed: int = 0,
    progress: str | None = None,
) -> Iterator[Equivalence]:
    """Let a reader answer from each window alone and score what it says; labels as they are done.

    A window that does not answer scores 0. Otherwise the score is that of the reader's answer
    against the right one, of several the best. Positive from `hi` on, negative up to `lo`.

    Parameters
    ----------
    answers : the right answers of each query; None takes those of the candidates.
    windows : how many of a query are read, the first ones.
    folder : the user's templates.
    progress : what a progress bar says, None for none.
    """
    waiting: dict[str, _Read] = {}
    cases: list[Case] = []
    for row in candidates:
        right = list(answers[row.qid] if answers is not None else row.answers)
        if not right or not row.passages:
            reason = "no passages" if right else "no right answer"
            yield Equivalence(Labels(qid=row.qid, signal="lerc", skipped=reason))
            continue
        own = [
            Case(f"{row.qid}|{number}", row.claim, row.question, [passage])
            for number, passage in enumerate(row.passages[:windows])
        ]
        waiting[row.qid] = _Read(row, right, own)
        cases += own
    complete: list[_Read] = []
    for case, reading in read(
        cases,
        reader,
        folder=folder,
        max_new_tokens=max_new_tokens,
        seed=seed,
        progress=progress,
    ):
        own_read = waiting[case.id.rpartition("|")[0]]
        own_read.readings[case.id] = reading
        if len(own_read.readings) == len(own_read.cases):
            complete.append(waiting.pop(own_read.row.qid))
        if len(complete) == _TOGETHER:
            yield from _scored(complete, scorer, hi, lo)
            complete = []
    yield from _scored(complete, scorer, hi, lo)


@dataclass
class _Read:
    """A query and what was read so far."""

    row: Candidates
    right: list[str]
    cases: list[Case]
    readings: dict[str, Reading] = field(default_factory=dict)


def _scored(complete: Sequence[_Read], scorer: Scorer, hi: float, lo: float) -> list[Equivalence]:
    wanted: dict[tuple[str, str, str, str], float] = {}
    for own in complete:
        for case in own.cases:
            for quadruple in _quadruples(own, case):
                wanted.setdefault(quadruple, 0.0)
    asked = [quadruple for quadruple in wanted if not _same(quadruple[2], quadruple[3])]
    if asked:
        columns = [list(column) for column in zip(*asked, strict=True)]
        wanted |= zip(asked, map(float, scorer.score(*columns)), strict=True)
    for quadruple in wanted.keys() - set(asked):
        wanted[quadruple] = 1.0
    return [_equivalence(own, wanted, hi, lo) for own in complete]


def _quadruples(own: _Read, case: Case) -> list[tuple[str, str, str, str]]:
    """What is scored of a window: its text, the question, each right answer, the reader's."""
    reading = own.readings[case.id]
    if not reading.answered:
        return []
    context = case.passages[0].document
    question = own.row.question or own.row.claim
    return [(context, question, right, reading.answer) for right in own.right]


def _same(one: str, other: str) -> bool:
    return " ".join(one.lower().split()).rstrip(".") == " ".join(other.lower().split()).rstrip(".")


def _equivalence(
    own: _Read, scores: Mapping[tuple[str, str, str, str], float], hi: float, lo: float
) -> Equivalence:
    judgements: list[Judgement] = []
    for case in own.cases:
        reading = own.readings[case.id]
        pid = case.passages[0].pid
        if reading.failed:
            judgements.append(Judgement(pid=pid))
            continue
        score = max((scores[one] for one in _quadruples(own, case)), default=0.0)
        judgements.append(
            Judgement.model_validate(
                {
                    "pid": pid,
                    "score": score,
                    "rel": _relevance(score, hi, lo),
                    "answer": reading.answer,
                }
            )
        )
    readings = own.readings.values()
    failed = [reading.error for reading in readings if reading.error]
    first = own.readings[own.cases[0].id]
    labels = Labels.model_validate(
        {
            "qid": own.row.qid,
            "signal": "lerc",
            "judgements": judgements,
            "error": failed[0] if failed else "",
            "prompt_sha256": first.prompt_sha256,
        }
    )
    return Equivalence(
        labels,
        unanswered=sum(not (r.answered or r.failed) for r in readings),
        cut=sum(r.outcome == "length" for r in readings),
        refused=sum(r.outcome in ("refused", "filtered") for r in readings),
        failed=len(failed),
    )


def _relevance(score: float, hi: float, lo: float) -> Relevance:
    if score >= hi:
        return 1
    return 0 if score <= lo else None
