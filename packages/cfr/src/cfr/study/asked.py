"""What language models do in the study: grade passages, answer from them, judge claims."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tenpapers.generation import open_generator

from ..equivalence.answer_scores import AnswerRow, AnswerScorer, open_scorer
from ..equivalence.comparison import NoScore
from ..inputs.averitec_pool import PooledQuery
from ..reading.reader import Case as ReaderCase
from ..reading.reader import Reading, read
from ..records import Candidates, Claim, Evidence, Passage, Verdict
from ..scoring.veracity import veracity
from ..signals.counts import count_labels
from ..signals.distill import distilled
from ..verification.judge import Case, Judge
from ..verification.pipeline import Counted, verdicts_on
from .corpora import Corpus
from .settings import Study

# The judge's bounds: the claim alone, and people's own answers.
BOUNDS = ("V0", "V1")


def graded(candidates: Sequence[Candidates], study: Study) -> dict[str, Any]:
    """A teacher's labels with the passages that it saw, and how it went."""
    by_qid = {row.qid: row for row in candidates}
    with open_generator(study.teacher, cache=study.cache) as teacher:
        done = list(
            distilled(
                candidates,
                teacher,
                mode=study.teacher_mode,
                windows=study.windows,
                seed=study.seed,
                progress="teacher",
            )
        )
    failed = sum(one.failed for one in done)
    notes = [("ignored", one.ignored) for one in done] + [("retried", one.retried) for one in done]
    counts = count_labels([one.labels for one in done], failed=failed, notes=notes)
    labels = [
        one.labels.model_copy(update={"passages": by_qid[one.labels.qid].passages}).row()
        for one in done
    ]
    return {"labels": labels, "counts": counts.as_json(), "failed": failed, "asked": len(done)}


def read_and_judged(
    corpus: Corpus,
    claims: Sequence[Claim],
    top: Mapping[str, Sequence[str]] | None,
    study: Study,
    *,
    gold: bool = False,
) -> dict[str, Any]:
    """Answers from a system's passages, their scores, and verdicts from the answers.

    Parameters
    ----------
    claims : the first `study.limit` of them are taken that have a query.
    top : passages of each query by `pid`, best first; None asks no reader.
    gold : whether the judge is given people's answers then, or nothing.
    """
    queries = _queries(corpus, claims, study.limit)
    asked = {one.query.qid.rpartition(":")[0] for one in queries}
    own = [claim for claim in claims if str(claim.claim_id) in asked]
    readings, counted = {}, Counted()
    if top is not None:
        readings = _readings(corpus, queries, top, study, counted)
    evidence = {
        str(claim.claim_id): _evidence(str(claim.claim_id), queries, readings, gold)
        for claim in own
    }
    with open_generator(study.judge, cache=study.cache) as model:
        judge = Judge(model, max_new_tokens=study.verdict_tokens, seed=study.seed)
        cases = [Case(claim, evidence[str(claim.claim_id)]) for claim in own]
        verdicts = list(verdicts_on(cases, judge, counted))
    failed = sum(count for name, count in counted.outcomes.items() if name.endswith(": error"))
    return {
        "questions": len(queries),
        "answered": sum(reading.answered for reading in readings.values()),
        "scores": _scores(queries, readings) if top is not None else {},
        "veracity": _known(veracity(verdicts, own)),
        "verdicts": [verdict.model_dump(mode="json") for verdict in verdicts],
        "said": dict(Counter(verdict.pred_label for verdict in verdicts)),
        "right": _right(verdicts, own),
        "outcomes": dict(counted.outcomes),
        "failed": failed,
        "asked": counted.requests,
    }


def _queries(corpus: Corpus, claims: Sequence[Claim], limit: int | None) -> list[PooledQuery]:
    """Test queries of the first claims that have any."""
    names = list(dict.fromkeys(one.query.qid.rpartition(":")[0] for one in corpus.test))
    known = {str(claim.claim_id) for claim in claims}
    taken = set([name for name in names if name in known][:limit])
    return [one for one in corpus.test if one.query.qid.rpartition(":")[0] in taken]


def _readings(
    corpus: Corpus,
    queries: Sequence[PooledQuery],
    top: Mapping[str, Sequence[str]],
    study: Study,
    counted: Counted,
) -> dict[str, Reading]:
    by_pid: dict[str, Passage] = {passage.pid: passage for passage in corpus.passages}
    cases = [
        ReaderCase(
            one.query.qid,
            one.query.claim,
            one.query.question,
            [by_pid[pid] for pid in top[one.query.qid][: study.topk]],
        )
        for one in queries
    ]
    found = {}
    with open_generator(study.reader, cache=study.cache) as reader:
        for case, reading in read(
            cases,
            reader,
            max_new_tokens=study.answer_tokens,
            seed=study.seed,
            progress="reader",
        ):
            counted.note("reader", reading.outcome)
            found[case.id] = reading
    return found


def _evidence(
    claim: str, queries: Sequence[PooledQuery], readings: Mapping[str, Reading], gold: bool
) -> list[Evidence]:
    own = [one.query for one in queries if one.query.qid.rpartition(":")[0] == claim]
    if gold:
        return [Evidence(question=query.question, answer=query.answers[0]) for query in own]
    return [
        Evidence(question=query.question, answer=readings[query.qid].answer)
        for query in own
        if query.qid in readings
    ]


def _scores(
    queries: Sequence[PooledQuery], readings: Mapping[str, Reading]
) -> dict[str, dict[str, float]]:
    """Score of each answer by the name of its scorer; 0 without an answer.

    Two scorers that need nothing: METEOR, and cosines of vectors, which stand in for LERC.
    """
    scorers: list[AnswerScorer] = [open_scorer("meteor"), open_scorer("embed")]
    rows = [
        AnswerRow(
            question=one.query.question or one.query.claim,
            references=one.query.answers,
            candidate=readings[one.query.qid].answer,
            answered=readings[one.query.qid].answered,
        )
        for one in queries
    ]
    qids = [one.query.qid for one in queries]
    return {
        scorer.name: {
            qid: score
            for qid, score in zip(qids, scorer.score(rows), strict=True)
            if not isinstance(score, NoScore)
        }
        for scorer in scorers
    }


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as JSON has them: what is not a number is null."""
    return {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in values.items()
    }


def _right(verdicts: Sequence[Verdict], claims: Sequence[Claim]) -> dict[str, bool]:
    """Of each claim whether its verdict is its label; a claim without a verdict is wrong."""
    said = {str(verdict.claim_id): verdict.pred_label for verdict in verdicts}
    return {str(claim.claim_id): said.get(str(claim.claim_id)) == claim.label for claim in claims}
