"""A pool of passages from AVeriTeC's development set: web sentences, and people's answers.

Positives are sentences that annotators wrote and most negatives are text of the web, so a part of
what is learnt on it is how an answer sounds. `answers_only` leaves that way out. Both are ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tenpapers.errors import UserError
from tenpapers.records import read_json_lines

from ..records import Claim, Passage, Query
from .claims import can_be_evidence, read_claims

CLAIMS = "averitec_dev_0_399.jsonl.gz"
WEB = "averitec_dev_web_evidence_0_399.jsonl.gz"
TRAIN_CLAIMS = 300  # the first ones are trained on, the others are the test


@dataclass(frozen=True)
class PooledQuery:
    """A query and the `pid`s of the passages that answer it; whether its claim is for training."""

    query: Query
    relevant: frozenset[str]
    train: bool


@dataclass(frozen=True)
class AveritecPool:
    """Passages, and the queries that at least one of them answers."""

    passages: Sequence[Passage]
    queries: Sequence[PooledQuery]

    @property
    def train(self) -> list[PooledQuery]:
        """Queries of the claims that are trained on."""
        return [query for query in self.queries if query.train]

    @property
    def test(self) -> list[PooledQuery]:
        """The other queries."""
        return [query for query in self.queries if not query.train]

    @property
    def answers_only(self) -> list[Passage]:
        """Passages that people wrote: the pool in which style tells nothing."""
        return [passage for passage in self.passages if passage.pseudo]


def averitec_pool(folder: Path) -> AveritecPool:
    """The pool of the data in a folder.

    Raises
    ------
    UserError : a file is missing or not what it should be.
    """
    claims = read_claims(folder / CLAIMS)
    return build_pool(claims, read_web_sentences(folder / WEB))


def read_web_sentences(path: Path) -> dict[str, list[Passage]]:
    """Web sentences of each claim, by `claim_id`.

    Raises
    ------
    UserError : not JSON, a missing field.
    """
    found: dict[str, list[Passage]] = {}
    for number, row in read_json_lines(path):
        try:
            found[str(row["claim_id"])] = [
                Passage(pid="", url=sentence["url"], text=sentence["sentence"])
                for sentence in row["passages"]
            ]
        except KeyError as error:
            raise UserError(f"{path}:{number}: missing field {error}") from None
    return found


def build_pool(
    claims: Sequence[Claim],
    web: dict[str, list[Passage]],
    *,
    train_claims: int = TRAIN_CLAIMS,
) -> AveritecPool:
    """Web sentences, then answers, claim by claim; equal texts are one passage.

    Relevant to a subquestion are the passages of its own answers. Answers that say that there is
    none, and those of fewer than five words, are no passages; a Boolean one stands with its
    explanation.
    """
    passages: dict[str, Passage] = {}
    queries = []

    def add(text: str, url: str, *, pseudo: bool) -> str:
        key = " ".join(text.split())
        known = passages.get(key)
        if known is None:
            words = len(key.split())
            known = Passage(pid=f"p{len(passages)}", url=url, text=key, end=words, pseudo=pseudo)
        elif pseudo and not known.pseudo:
            known = known.model_copy(update={"pseudo": True})
        passages[key] = known
        return known.pid

    for number, claim in enumerate(claims):
        for sentence in web.get(str(claim.claim_id), ()):
            add(sentence.text, sentence.url, pseudo=False)
        for position, question in enumerate(claim.questions):
            # AVeriTeC's "Metadata" answers are texts like all others here: only their words count.
            written = [
                answer
                for answer in question.answers
                if can_be_evidence(answer.model_copy(update={"source_url": None}))
            ]
            relevant = frozenset(
                add(answer.joined, answer.source_url or "", pseudo=True) for answer in written
            )
            if relevant:
                query = Query(
                    qid=f"{claim.claim_id}:{position}",
                    claim=claim.claim,
                    question=question.question,
                    answers=[answer.joined for answer in written],
                )
                queries.append(PooledQuery(query, relevant, number < train_claims))
    return AveritecPool(list(passages.values()), queries)
