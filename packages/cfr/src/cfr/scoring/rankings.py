"""How well rankings put relevant passages first."""

import logging
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from tenpapers.errors import UserError

from ..records import Labels, Ranked
from .intervals import Interval, claim_of, interval

log = logging.getLogger(__name__)

KS = (1, 5, 10)
TOP_GRADE = 2


@dataclass(frozen=True)
class Judged:
    """What is known of a query's passages.

    Parameters
    ----------
    relevant : passages that are relevant.
    grades : of every judged passage, 0 to 2; 1 of a relevant one where nobody gave grades.
    graded : whether somebody gave grades.
    """

    relevant: frozenset[str]
    grades: Mapping[str, int]
    graded: bool = False

    @classmethod
    def of(cls, grades: Mapping[str, int]) -> Self:
        """Grades of passages alone: what has one over 0 is relevant."""
        relevant = frozenset(pid for pid, grade in grades.items() if grade > 0)
        return cls(relevant, grades, TOP_GRADE in grades.values())


def judged(labels: Iterable[Labels]) -> dict[str, Judged]:
    """Put together what all signals say of each query's passages.

    A passage is relevant if any signal says so; its grade is the highest that it got.
    """
    relevant: dict[str, set[str]] = {}
    grades: dict[str, dict[str, int]] = {}
    graded: set[str] = set()
    for row in labels:
        own_relevant = relevant.setdefault(row.qid, set())
        own_grades = grades.setdefault(row.qid, {})
        # A listwise teacher gives 0, 1 or 2; every other signal's scores end at 1.
        teacher = any((one.score or 0) > 1 for one in row.judgements)
        if teacher:
            graded.add(row.qid)
        for one in row.judgements:
            if one.rel is None:
                continue
            if one.rel:
                own_relevant.add(one.pid)
            grade = round(one.score or 0) if teacher else one.rel
            own_grades[one.pid] = max(grade, own_grades.get(one.pid, 0))
    return {qid: Judged(frozenset(relevant[qid]), grades[qid], qid in graded) for qid in relevant}


def retrieval_metrics(
    ranked: Iterable[Ranked],
    qrels: Mapping[str, Judged | Mapping[str, int]],
    ks: Sequence[int] = KS,
) -> dict[str, float | int]:
    """Mean of each metric over the queries that have a relevant passage.

    Parameters
    ----------
    ranked : rankings; a query without one found nothing.
    qrels : of each query what `judged` gives, or grades of passages.

    Returns
    -------
    `n` queries, `skipped` ones without a relevant passage, `mrr`, and for each k `hit@k`
    (a relevant one in the first k), `recall@k` (share of the relevant ones there) and `ndcg@k`;
    all 0 to 1, NaN where n is 0.

    Raises
    ------
    UserError : a query or a passage of a query twice, a score that is not a number, rankings of
        none of the queries.
    """
    found, skipped = metrics_by_query(ranked, qrels, ks)
    names = ["mrr", *(f"{kind}@{k}" for kind in ("hit", "recall", "ndcg") for k in ks)]
    means = {name: _mean([values[name] for values in found.values()]) for name in names}
    return {"n": len(found), "skipped": skipped} | means


def metrics_by_query(
    ranked: Iterable[Ranked],
    qrels: Mapping[str, Judged | Mapping[str, int]],
    ks: Sequence[int] = KS,
) -> tuple[dict[str, dict[str, float]], int]:
    """The metrics of each query that has a relevant passage, and how many have none.

    Raises
    ------
    UserError : see `retrieval_metrics`.
    """
    rankings = pids_of(ranked)
    labels = {qid: _judged(known) for qid, known in qrels.items()}
    asked = [qid for qid, known in labels.items() if known.relevant]
    require_ranked(asked, rankings)
    skipped = len(labels.keys() | rankings.keys()) - len(asked)
    return {qid: _of_query(rankings.get(qid, ()), labels[qid], ks) for qid in asked}, skipped


def with_intervals(
    found: Mapping[str, Mapping[str, float]], *, seed: int = 0
) -> dict[str, tuple[float, Interval]]:
    """Mean of each metric over queries, with its interval over their claims."""
    claims = [claim_of(qid) for qid in found]
    names = next(iter(found.values()), {})
    columns = {name: [values[name] for values in found.values()] for name in names}
    return {
        name: (_mean(values), interval(values, claims, seed=seed))
        for name, values in columns.items()
    }


def reciprocal_rank(pids: Sequence[str], relevant: Iterable[str]) -> float:
    """1 / rank of the first relevant passage; 0 where there is none."""
    wanted = frozenset(relevant)
    return next((1 / rank for rank, pid in enumerate(pids, 1) if pid in wanted), 0.0)


def ndcg(pids: Sequence[str], grades: Mapping[str, int], k: int) -> float:
    """Gains 2^grade - 1 of the first k, discounted by log2(rank + 1), as a share of the best order.

    Passages without a grade gain nothing; 0 where nothing could be gained.
    """
    best = _gained(sorted(grades.values(), reverse=True)[:k])
    return _gained([grades.get(pid, 0) for pid in pids[:k]]) / best if best else 0.0


def top_relevance(
    ranked: Iterable[Ranked], labels: Mapping[str, Judged], k: int = 1
) -> dict[str, float | int]:
    """Share of first passages that a teacher graded 2, the mean over the first k of each query.

    Passages that nobody judged are counted apart, and count as not relevant. A query without any
    grade, such as one whose teacher's reply could not be read, is left out and counted.

    Returns
    -------
    `n` queries, `skipped` ones without grades, `k`, `top_relevance` (0 to 1, NaN where n is 0),
    `unjudged` passages among the first k.

    Raises
    ------
    UserError : labels without grades; see `retrieval_metrics`.
    """
    if not any(known.graded for known in labels.values()):
        raise UserError(
            "no passage has grade 2", "labels of `cfr signals distill` with a listwise teacher"
        )
    shares, unjudged = [], 0
    rankings = pids_of(ranked)
    read = {qid: known for qid, known in labels.items() if known.grades}
    require_ranked(read, rankings)
    for qid, known in read.items():
        first = rankings.get(qid, ())[:k]
        unjudged += sum(pid not in known.grades for pid in first)
        tops = [known.grades.get(pid, 0) == TOP_GRADE for pid in first]
        shares.append(sum(tops) / len(tops) if tops else 0.0)
    return {
        "n": len(shares),
        "skipped": len(labels) - len(read),
        "k": k,
        "top_relevance": _mean(shares),
        "unjudged": unjudged,
    }


def require_ranked(asked: Collection[str], rankings: Mapping[str, object]) -> None:
    """Say how many queries have no ranking, which count as having found nothing.

    Raises
    ------
    UserError : none has one: these are rankings of other queries.
    """
    missing = [qid for qid in asked if qid not in rankings]
    if asked and rankings and len(missing) == len(asked):
        raise UserError(
            f"none of {len(asked)} queries is ranked: query {missing[0]!r} is not among the "
            f"rankings, which have {next(iter(rankings))!r}",
            "rankings and references of the same queries are wanted",
        )
    if missing:
        log.warning(
            "%d of %d queries have no ranking: they found nothing", len(missing), len(asked)
        )


def pids_of(ranked: Iterable[Ranked]) -> dict[str, list[str]]:
    """The passages of each ranking, best first.

    Raises
    ------
    UserError : see `retrieval_metrics`.
    """
    rankings: dict[str, list[str]] = {}
    for row in ranked:
        if row.qid in rankings:
            raise UserError(f"{row.qid}: ranked twice")
        if broken := [one.pid for one in row.results if math.isnan(one.score)]:
            raise UserError(f"{row.qid}: the score of {broken[0]} is not a number")
        pids = [one.pid for one in sorted(row.results, key=lambda one: one.rank)]
        if len(set(pids)) != len(pids):
            raise UserError(f"{row.qid}: a passage is ranked twice")
        rankings[row.qid] = pids
    return rankings


def _judged(known: Judged | Mapping[str, int]) -> Judged:
    return known if isinstance(known, Judged) else Judged.of(known)


def _of_query(pids: Sequence[str], known: Judged, ks: Sequence[int]) -> dict[str, float]:
    values = {"mrr": reciprocal_rank(pids, known.relevant)}
    for k in ks:
        hits = len(known.relevant.intersection(pids[:k]))
        values[f"hit@{k}"] = float(hits > 0)
        values[f"recall@{k}"] = hits / len(known.relevant)
        values[f"ndcg@{k}"] = ndcg(pids, known.grades, k)
    return values


def _gained(grades: Sequence[int]) -> float:
    return sum((2**grade - 1) / math.log2(rank + 1) for rank, grade in enumerate(grades, 1))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
