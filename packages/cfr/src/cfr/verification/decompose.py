"""From a claim to the questions whose answers decide it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenpapers.generation import Generator, Request, Sampling
from tenpapers.generation.types import Message
from tenpapers.templates import fill_section

from ..reading.fences import quoted
from ..records import Claim, Question

MAX_NEW_TOKENS = 256
MOST = 5
# "1.", "2)", "-", "Q3:", "Question 4:"
_NUMBER = re.compile(
    r"^\W*(?:(?:question|q)\W{0,2}\d*\W*:|\d{1,2}\s*[.):]|[-*•])\s*", re.IGNORECASE
)


@dataclass(frozen=True)
class Decomposition:
    """What a model made of a claim.

    Parameters
    ----------
    questions : at most five; none where its words have none.
    outcome : how the request ended: stop, length, refused, filtered, or `error: words`.
    """

    questions: Sequence[str]
    outcome: str

    @property
    def failed(self) -> bool:
        """Whether no reply came back."""
        return self.outcome.startswith("error")


def decompose(
    claims: Sequence[Claim],
    model: Generator,
    *,
    prompts: Path | None = None,
    seed: int = 0,
    progress: str | None = None,
) -> Iterator[tuple[Claim, Decomposition]]:
    """Ask a model for the questions of claims, greedily; they come as they are done.

    Parameters
    ----------
    prompts : folder of templates that replace ours.
    """
    by_id = {f"{claim.claim_id}|questions": claim for claim in claims}
    sampling = Sampling(max_tokens=MAX_NEW_TOKENS, seed=seed)
    requests = [
        Request(id=name, messages=question_messages(claim, prompts), sampling=sampling)
        for name, claim in by_id.items()
    ]
    for done in model.stream(requests, progress=progress) if requests else ():
        readable = done.finish_reason in ("stop", "length")
        found = parse_questions(done.text) if readable else []
        yield by_id[done.id], Decomposition(found, done.outcome)


def question_messages(claim: Claim, prompts: Path | None = None) -> tuple[Message, ...]:
    """What the model is asked about a claim."""
    values: dict[str, Any] = {
        "claim": claim.claim,
        "speaker": claim.speaker or "",
        "date": claim.date or "",
        "quoted": quoted,
    }
    system = fill_section("cfr", "decomposition", "system", prompts, default="", **values)
    user = fill_section("cfr", "decomposition", "user", prompts, **values)
    told = (Message(role="system", content=system),) if system else ()
    return (*told, Message(role="user", content=user))


def parse_questions(text: str, most: int = MOST) -> list[str]:
    """The questions of a reply, each once: lines that end with a question mark.

    Numbers, bullets and bold type are no part of a question, and what stands behind its mark
    neither; a line without a mark is none. After `most` the model has run on.
    """
    found: dict[str, str] = {}
    for line in text.splitlines():
        plain = _NUMBER.sub("", line.strip().strip("*_`\"“”'")).strip('*_`"“” ')
        question, mark, _ = plain.rpartition("?")
        if mark and len(question.split()) > 1:
            found.setdefault(question.lower(), f"{question}?")
    return list(found.values())[:most]


def with_questions(claim: Claim, questions: Sequence[str]) -> Claim:
    """A claim with these questions in place of its own."""
    return claim.model_copy(update={"questions": [Question(question=one) for one in questions]})
