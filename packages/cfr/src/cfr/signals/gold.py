"""Gold evidence: windows of the annotated pages that cover a person's answer."""

from collections.abc import Sequence, Set
from typing import NamedTuple

from ..inputs.claims import can_be_evidence
from ..inputs.urls import url_key
from ..records import Answer, Candidates, Claim, Judgement, Labels, Passage, Question, Relevance
from ..scoring.token_recall import token_recall
from .references import questions_by_qid

# Shares of an answer's words that a window has: it is evidence, it may be the only evidence, it is
# none. The paper's are not known.
COVERS, COVERS_BEST, LEAVES_OUT = 0.6, 0.3, 0.2


def gold(
    candidates: Sequence[Candidates], claims: Sequence[Claim], *, pseudo_evidence: bool = False
) -> list[Labels]:
    """Label candidates by the annotated evidence of AVeriTeC.

    A window is positive where its page is the source of an answer and it has 0.6 or more of that
    answer's words; where none has, the best one with 0.3 or more is. Windows of other pages with
    less than 0.2 of every answer's words are negative.

    Parameters
    ----------
    candidates : queries with the windows of the first stage.
    claims : with annotated answers.
    pseudo_evidence : where no window is of an answer's page, the answer itself stands in for it, as
        a passage that the labels carry along.

    Returns
    -------
    One row a query; the score is the largest share of an answer's words. A query without an answer
    that can be looked for has no judgements and says why in `skipped`.

    Raises
    ------
    UserError : a query that is not of these claims.
    """
    questions = questions_by_qid(candidates, claims)
    return [_labels(row, questions[row.qid], pseudo_evidence) for row in candidates]


class _Source(NamedTuple):
    """An answer with the keys of the pages that it is from."""

    answer: str
    urls: Set[str]


def _labels(row: Candidates, question: Question, pseudo_evidence: bool) -> Labels:
    sources = [
        _Source(answer.joined, _urls(answer))
        for answer in question.answers
        if can_be_evidence(answer)
    ]
    if not sources:
        return Labels(qid=row.qid, signal="gold", skipped="no answer that can be looked for")
    annotated = {url for answer in question.answers for url in _urls(answer)}
    keys = [url_key(passage.url) if passage.url else "" for passage in row.passages]
    recalls = [
        [token_recall(source.answer, passage.document) for source in sources]
        for passage in row.passages
    ]
    positive = {
        place
        for number, source in enumerate(sources)
        for place in _evidence([shares[number] for shares in recalls], keys, source)
    }
    judgements = [
        Judgement(
            pid=passage.pid,
            score=max(shares),
            rel=_relevance(place in positive, key in annotated, max(shares)),
        )
        for place, (passage, key, shares) in enumerate(
            zip(row.passages, keys, recalls, strict=True)
        )
    ]
    lost = _lost_pages(row, sources, set(keys)) if pseudo_evidence else []
    stand_ins = [Judgement(pid=passage.pid, score=1.0, rel=1) for passage in lost]
    return Labels(qid=row.qid, signal="gold", judgements=[*judgements, *stand_ins], passages=lost)


def _urls(answer: Answer) -> Set[str]:
    given = (answer.source_url, answer.cached_source_url)
    return {url_key(url) for url in given if url}


def _evidence(shares: Sequence[float], keys: Sequence[str], source: _Source) -> list[int]:
    """Places of the windows that give an answer."""
    own = [place for place, key in enumerate(keys) if key in source.urls]
    covering = [place for place in own if shares[place] >= COVERS]
    if covering:
        return covering
    best = max(own, key=lambda place: shares[place], default=None)
    return [best] if best is not None and shares[best] >= COVERS_BEST else []


def _relevance(positive: bool, annotated: bool, share: float) -> Relevance:
    if positive:
        return 1
    return 0 if not annotated and share < LEAVES_OUT else None


def _lost_pages(row: Candidates, sources: Sequence[_Source], here: Set[str]) -> list[Passage]:
    """Answers whose pages have no window among the candidates, as passages."""
    return [
        Passage(
            pid=f"{row.qid}:answer:{number}",
            url=min(source.urls, default=""),
            text=source.answer,
            end=len(source.answer.split()),
            pseudo=True,
        )
        for number, source in enumerate(sources)
        if not source.urls & here
    ]
