"""How good a file of answers is, question by question."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError

from ..inputs.files import read_candidates
from ..records import Query, ReadAnswer
from ..scoring.answer_overlap import exact_match, token_f1
from .answer_scores import AnswerRow, AnswerScorer, counts_of


def evaluate_answers(
    answers: Iterable[ReadAnswer],
    queries: Sequence[Query],
    scorers: Sequence[AnswerScorer] = (),
    *,
    contexts: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Mean scores over the questions that have right answers; of several the nearest counts.

    Parameters
    ----------
    scorers : besides exact match and token F1.
    contexts : of each question what was read, for LERC; "" where it is not there.

    Returns
    -------
    `n` questions, `skipped` ones without right answers, `answered`, `not_answered` and `missing`
    (both score 0), `em`, `f1`, and a mean for each scorer under its name; all 0 to 1, NaN where n
    is 0. Of a judge also `scored` (its mean is over those) and why others have no grade.

    Raises
    ------
    UserError : two answers to one question, an answer to a question that is not there.
    """
    known = {query.qid for query in queries}
    given: dict[str, ReadAnswer] = {}
    for answer in answers:
        if answer.qid in given:
            raise UserError(f"question {answer.qid}: has two answers")
        if answer.qid not in known:
            raise UserError(f"question {answer.qid}: has an answer and is not among the references")
        given[answer.qid] = answer
    asked = [query for query in queries if query.answers]
    rows = [
        _row(query, given.get(query.qid), (contexts or {}).get(query.qid, "")) for query in asked
    ]
    said = [row.candidate or "" for row in rows]
    values: dict[str, Any] = {
        "n": len(rows),
        "skipped": len(queries) - len(rows),
        "answered": sum(row.open for row in rows),
        "not_answered": sum(not row.open for row in rows),
        "missing": sum(query.qid not in given for query in asked),
        "em": _mean(
            [exact_match(text, row.references) for text, row in zip(said, rows, strict=True)]
        ),
        "f1": _mean([token_f1(text, row.references) for text, row in zip(said, rows, strict=True)]),
    }
    values["not_answered"] -= values["missing"]
    for scorer in scorers:
        counted = counts_of(scorer, scorer.score(rows))
        mean = counted.pop("mean")
        values |= {scorer.name: math.nan if mean is None else mean} | counted
    return values


def _row(query: Query, answer: ReadAnswer | None, context: str) -> AnswerRow:
    answered = answer is not None and answer.answered
    return AnswerRow(
        question=query.question or query.claim,
        references=query.answers,
        candidate=answer.answer if answer is not None and answered else None,
        context=context,
        answered=answered,
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def contexts_of(answers: Sequence[ReadAnswer], candidates: Path | None) -> dict[str, str]:
    """What was read for each answer: the texts of its passages.

    Raises
    ------
    UserError : see `inputs.files.read_candidates`.
    """
    if candidates is None:
        return {}
    texts = {
        row.qid: {passage.pid: passage.document for passage in row.passages}
        for row in read_candidates(candidates)
    }
    return {
        answer.qid: "\n".join(
            texts[answer.qid][pid] for pid in answer.pids if pid in texts.get(answer.qid, {})
        )
        for answer in answers
    }
