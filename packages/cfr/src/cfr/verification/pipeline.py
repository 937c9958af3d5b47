"""From claims to verdicts: find passages for each question, read them, judge what they say."""

import logging
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tenpapers.generation import Generator

from ..inputs.claims import queries_of
from ..reading.reader import MAX_NEW_TOKENS, Reading, read
from ..reading.reader import Case as ReaderCase
from ..records import Candidates, Claim, Evidence, Page, Passage, Query, Verdict
from ..retrieval.filters import FilterSettings, filter_copies, filter_pages
from .decompose import decompose, with_questions
from .judge import Case, Judge

log = logging.getLogger(__name__)

# Claims that go through all stages together; the verdicts on them are then written.
TOGETHER = 64
# Passages that are looked at for the k that give nothing away.
DEPTH = 50


class Retriever(Protocol):
    """Finds passages: whatever puts the best first."""

    def candidates(self, queries: Sequence[Query], k: int) -> Sequence[Candidates]:
        """Queries with at most k passages each, best first."""
        ...


@dataclass(frozen=True)
class Stages:
    """What claims go through.

    Parameters
    ----------
    k : passages that the reader gets for a question.
    filters : what may not be evidence; None lets everything pass.
    decomposer : writes the questions of claims that have none; None asks such claims alone.
    own_questions : False has it write those of all claims.
    answer_tokens : of the reader's answer, at most.
    prompts : folder of templates that replace ours.
    """

    retriever: Retriever
    reader: Generator
    judge: Judge
    k: int = 5
    filters: FilterSettings | None = field(default_factory=FilterSettings)
    decomposer: Generator | None = None
    own_questions: bool = True
    answer_tokens: int = MAX_NEW_TOKENS
    prompts: Path | None = None
    seed: int = 0


@dataclass
class Counted:
    """What happened on the way.

    Parameters
    ----------
    outcomes : how many requests of each stage ended in a way of its own: `reader: refused`.
    failed : claims without a verdict because a request got no answer, with its words.
    removed : passages that were left out, by reason.
    requests : how many requests were made.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    failed: dict[str, str] = field(default_factory=dict)
    removed: Counter[str] = field(default_factory=Counter)
    questions: int = 0
    unanswered: int = 0
    without_questions: int = 0
    requests: int = 0

    def note(self, stage: str, outcome: str) -> None:
        """Count a request and how it ended, unless it ended as it should."""
        self.requests += 1
        kind = outcome.partition(":")[0]
        if kind != "stop":
            self.outcomes[f"{stage}: {kind}"] += 1


def verify(
    claims: Sequence[Claim], retriever: Retriever, reader: Generator, judge: Judge, k: int = 5
) -> list[Verdict]:
    """Verdicts on claims, in their order; a claim of which a request got no answer is left out.

    Parameters
    ----------
    retriever : finds passages for the claims' questions; a claim without any is asked alone.
    reader : answers each question from k passages.
    """
    stages = Stages(retriever, reader, judge, k)
    counted = Counted()
    found = {verdict.claim_id: verdict for verdict in checked(claims, stages, counted)}
    for name, words in counted.failed.items():
        log.warning("claim %s: no verdict: %s", name, words)
    return [found[claim.claim_id] for claim in claims if claim.claim_id in found]


def checked(claims: Sequence[Claim], stages: Stages, counted: Counted) -> Iterator[Verdict]:
    """Verdicts as they are done, and in `counted` what happened on the way."""
    for start in range(0, len(claims), TOGETHER):
        asked = _with_questions(claims[start : start + TOGETHER], stages, counted)
        yield from verdicts_on(_read(asked, stages, counted), stages.judge, counted)


def verdicts_on(cases: Sequence[Case], judge: Judge, counted: Counted) -> Iterator[Verdict]:
    """Verdicts on claims whose evidence is there, as they are done."""
    for case, judged in judge.judge(cases, progress="judge"):
        counted.note("judge", judged.outcome)
        if judged.failed:
            counted.failed[case.id] = f"judge: {judged.outcome}"
        else:
            yield judged.verdict(case.claim, case.evidence)


def _with_questions(claims: Sequence[Claim], stages: Stages, counted: Counted) -> list[Claim]:
    """Claims with the questions that are asked; those whose request failed are left out."""
    written: dict[str, Claim] = {}
    if stages.decomposer:
        without = [claim for claim in claims if not (claim.questions and stages.own_questions)]
        for claim, made in decompose(
            without, stages.decomposer, prompts=stages.prompts, seed=stages.seed
        ):
            counted.note("decomposition", made.outcome)
            if made.failed:
                counted.failed[str(claim.claim_id)] = f"decomposition: {made.outcome}"
            else:
                written[str(claim.claim_id)] = with_questions(claim, made.questions)
    asked = [
        written.get(str(claim.claim_id), claim)
        for claim in claims
        if str(claim.claim_id) not in counted.failed
    ]
    counted.without_questions += sum(not claim.questions for claim in asked)
    return asked


def _read(claims: Sequence[Claim], stages: Stages, counted: Counted) -> list[Case]:
    """The evidence for each claim; claims of which a request failed are left out."""
    claim_of = {str(claim.claim_id): claim for claim in claims}
    queries: defaultdict[str, list[Query]] = defaultdict(list)
    cases = {}
    every = queries_of(claims)
    for row in stages.retriever.candidates(every, max(stages.k, DEPTH)) if every else ():
        name = row.qid.rpartition(":")[0]
        queries[name].append(row)
        passages = allowed(row.passages, claim_of[name], stages.filters, counted.removed)
        cases[row.qid] = ReaderCase(row.qid, row.claim, row.question, passages[: stages.k])
    readings: dict[str, Reading] = {}
    for case, reading in read(
        list(cases.values()),
        stages.reader,
        max_new_tokens=stages.answer_tokens,
        folder=stages.prompts,
        seed=stages.seed,
        progress="reader",
    ):
        counted.note("reader", reading.outcome)
        readings[case.id] = reading
    judged = []
    for claim in claims:
        name = str(claim.claim_id)
        own = [(cases[query.qid], readings[query.qid]) for query in queries[name]]
        if words := next((reading.error for _, reading in own if reading.error), ""):
            counted.failed[name] = f"reader: {words}"
            continue
        counted.questions += len(own)
        counted.unanswered += sum(not reading.answered for _, reading in own)
        judged.append(Case(claim, [_evidence(case, reading) for case, reading in own]))
    return judged


def allowed(
    passages: Sequence[Passage],
    claim: Claim,
    filters: FilterSettings | None,
    removed: Counter[str],
) -> list[Passage]:
    """Passages that may be evidence for a claim; the others are counted in `removed`."""
    if filters is None:
        return list(passages)
    kept = []
    for passage in passages:
        # a passage knows its page's date where its file has one
        date = getattr(passage, "date", None)
        page = Page(url=passage.url, title=passage.title, text=passage.text, date=date)
        pages = filter_pages([page], claim, filters)
        copies = filter_copies([passage], claim, filters)
        if pages.kept and copies.kept:
            kept.append(passage)
        else:
            removed += pages.removed or copies.removed
    return kept


def _evidence(case: ReaderCase, reading: Reading) -> Evidence:
    """A question with its answer, and the best of the passages that were read."""
    best = case.passages[0].url if case.passages and reading.answered else None
    return Evidence.model_validate(
        {
            "question": case.question or case.claim,
            "answer": reading.answer,
            "url": best,
            "answered": reading.answered,
            "pids": [passage.pid for passage in case.passages],
        }
    )
