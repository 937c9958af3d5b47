"""Answer equivalence: does a reader, given one window alone, answer as people did?"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tenpapers.errors import UserError
from tenpapers.generation import Generator

from ..equivalence.answer_scores import AnswerRow, AnswerScorer
from ..equivalence.comparison import NoScore
from ..reading.reader import MAX_NEW_TOKENS, Case, Reading, read
from ..records import Candidates, Judgement, Labels, Relevance
from .in_order import in_order
from .settings import HI, LO, WINDOWS

# Queries whose answers are scored together.
_TOGETHER = 16


@dataclass(frozen=True)
class Equivalence:
    """Labels of a query, and what happened on the way.

    Parameters
    ----------
    unanswered, cut, refused : readings that said that the window does not answer, that ended at
        the limit of tokens, that the model or its provider declined.
    ungraded : answers on which a judge gave no grade, by the reason: unparsed, truncated, refused,
        filtered.
    failed : requests to the reader or a judge that got no answer.
    """

    labels: Labels
    unanswered: int = 0
    cut: int = 0
    refused: int = 0
    ungraded: Mapping[str, int] = field(default_factory=dict)
    failed: int = 0


def equivalences(
    candidates: Sequence[Candidates],
    reader: Generator,
    scorer: AnswerScorer,
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
    against the right one, of several the best. Positive from `hi` on, negative up to `lo`; without
    a score neither.

    Parameters
    ----------
    answers : the right answers of each query; None takes those of the candidates.
    windows : how many of a query are read, the first ones.
    folder : the user's templates.
    progress : what a progress bar says, None for none.

    Raises
    ------
    UserError : see `require_bounds`.
    """
    require_bounds(hi, lo)
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


def require_bounds(hi: float, lo: float) -> None:
    """Stop at bounds that call a score positive and negative at once.

    Raises
    ------
    UserError : one of them is not a number, or `lo` is over `hi`.
    """
    if not lo <= hi:
        raise UserError(f"--hi {hi:g} --lo {lo:g}: the second at most the first is wanted")


# All labels at once, query by query.
lerc = in_order(equivalences)


@dataclass
class _Read:
    """A query and what was read so far."""

    row: Candidates
    right: list[str]
    cases: list[Case]
    readings: dict[str, Reading] = field(default_factory=dict)


def _scored(
    complete: Sequence[_Read], scorer: AnswerScorer, hi: float, lo: float
) -> list[Equivalence]:
    rows = [
        AnswerRow(
            question=own.row.question or own.row.claim,
            references=own.right,
            candidate=own.readings[case.id].answer,
            context=case.passages[0].document,
            answered=own.readings[case.id].answered,
        )
        for own in complete
        for case in own.cases
    ]
    scores = iter(scorer.score(rows) if rows else ())
    return [_equivalence(own, [next(scores) for _ in own.cases], hi, lo) for own in complete]


def _equivalence(
    own: _Read, scores: Sequence[float | NoScore], hi: float, lo: float
) -> Equivalence:
    judgements: list[Judgement] = []
    lacking: list[NoScore] = []
    for case, score in zip(own.cases, scores, strict=True):
        reading = own.readings[case.id]
        pid = case.passages[0].pid
        if reading.failed:
            judgements.append(Judgement(pid=pid))
            continue
        said: dict[str, object] = {"pid": pid, "answer": reading.answer}
        if isinstance(score, NoScore):
            lacking.append(score)
        else:
            said |= {"score": score, "rel": _relevance(score, hi, lo)}
        judgements.append(Judgement.model_validate(said))
    readings = own.readings.values()
    failed = [reading.error for reading in readings if reading.error]
    failed += [score.words for score in lacking if score.why == "error"]
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
        ungraded=Counter(score.why for score in lacking if score.why != "error"),
        failed=len(failed),
    )


def _relevance(score: float, hi: float, lo: float) -> Relevance:
    if score >= hi:
        return 1
    return 0 if score <= lo else None
