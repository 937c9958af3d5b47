"""A judge gives a claim one label, from its questions, their answers and nothing else."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.generation import Completion, Generator, Request, Sampling
from tenpapers.generation.types import Message
from tenpapers.templates import fill_section

from ..reading.fences import prompt_digest, quoted
from ..records import Claim, Evidence, Verdict
from ..scoring.averitec import NO_ANSWER
from ..scoring.labels import AVERITEC, LabelSet
from .settings import VERDICT_TOKENS
from .verdict_parser import parse_verdict


@dataclass(frozen=True)
class Judged:
    """What a judge said of a claim.

    Parameters
    ----------
    raw : its words.
    outcome : how the request ended: stop, length, refused, filtered, or `error: words`.
    prompt_sha256 : of what it was asked.
    asked_again : whether its first reply had no label.
    """

    label: str
    parse_failed: bool
    raw: str
    outcome: str
    prompt_sha256: str
    asked_again: bool = False

    @property
    def failed(self) -> bool:
        """Whether no reply came back."""
        return self.outcome.startswith("error")

    def verdict(self, claim: Claim, evidence: Sequence[Evidence]) -> Verdict:
        """As a row."""
        return Verdict.model_validate(
            {
                "claim_id": claim.claim_id,
                "pred_label": self.label,
                "evidence": [one.model_dump() for one in evidence],
                "raw": self.raw,
                "parse_failed": self.parse_failed,
                "finish_reason": self.outcome,
                "asked_again": self.asked_again,
                "prompt_sha256": self.prompt_sha256,
            }
        )


@dataclass(frozen=True)
class Case:
    """A claim, and what was found out about it, in the order of its questions."""

    claim: Claim
    evidence: Sequence[Evidence]

    @property
    def id(self) -> str:
        """Of the request."""
        return str(self.claim.claim_id)


@dataclass(frozen=True)
class Judge:
    """Asks a model for verdicts.

    Parameters
    ----------
    labels : of the data set.
    examples : show one for each label (AVeriTeC's labels only).
    prompts : folder of templates that replace ours.

    Raises
    ------
    UserError : examples for another data set's labels.
    """

    model: Generator
    labels: LabelSet = AVERITEC
    examples: bool = False
    prompts: Path | None = None
    max_new_tokens: int = VERDICT_TOKENS
    seed: int = 0

    def __post_init__(self) -> None:
        if self.examples and self.labels.name != AVERITEC.name:
            raise UserError(f"--examples: there are none for the labels of {self.labels.name}")

    def judge(
        self, cases: Sequence[Case], *, progress: str | None = None
    ) -> Iterator[tuple[Case, Judged]]:
        """Verdicts, greedily, as they are done; a reply without a label is asked for it once."""
        by_id = {case.id: case for case in cases}
        asked = {name: self.messages(case) for name, case in by_id.items()}
        again: dict[str, Completion] = {}
        requests = [self._request(name, messages) for name, messages in asked.items()]
        for done in self.model.stream(requests, progress=progress):
            judged = self._judged(done, asked[done.id])
            if judged.parse_failed and done.finish_reason in ("stop", "length"):
                again[done.id] = done
            else:
                yield by_id[done.id], judged
        second = {_again(name): self._again(asked[name], done) for name, done in again.items()}
        requests = [self._request(name, messages) for name, messages in second.items()]
        first_of = {_again(name): name for name in again}
        for done in self.model.stream(requests) if requests else ():
            name = first_of[done.id]
            yield by_id[name], self._after(again[name], done, asked[name], second[done.id])

    def messages(self, case: Case) -> tuple[Message, ...]:
        """What the judge is asked about a claim."""
        claim = case.claim
        values: dict[str, Any] = {
            "claim": claim.claim,
            "speaker": claim.speaker or "",
            "date": claim.date or "",
            "evidence": [_told(one) for one in case.evidence],
            "labels": self.labels.meanings,
            "examples": self.examples,
            "quoted": quoted,
        }
        system = fill_section("cfr", "judge", "system", self.prompts, default="", **values)
        user = fill_section("cfr", "judge", "user", self.prompts, **values)
        told = (Message(role="system", content=system),) if system else ()
        return (*told, Message(role="user", content=user))

    def _again(self, asked: Sequence[Message], done: Completion) -> tuple[Message, ...]:
        labels = list(self.labels.labels)
        text = fill_section("cfr", "judge", "again", self.prompts, labels=labels)
        said = done.text.strip() or "..."  # nothing but a thought
        return (
            *asked,
            Message(role="assistant", content=said),
            Message(role="user", content=text),
        )

    def _request(self, name: str, messages: tuple[Message, ...]) -> Request:
        sampling = Sampling(max_tokens=self.max_new_tokens, seed=self.seed)
        return Request(id=name, messages=messages, sampling=sampling)

    def _judged(self, done: Completion, asked: Sequence[Message]) -> Judged:
        readable = done.finish_reason in ("stop", "length")
        label, failed = parse_verdict(done.text if readable else "", self.labels)
        return Judged(label, failed, done.text, done.outcome, prompt_digest(asked))

    def _after(
        self,
        first: Completion,
        second: Completion,
        asked: Sequence[Message],
        asked_again: Sequence[Message],
    ) -> Judged:
        """A verdict after a second request; where that failed, the first reply stands unread."""
        if second.failed:
            first_only = self._judged(first, asked)
            return Judged(
                first_only.label,
                True,
                first.text,
                first.outcome,
                first_only.prompt_sha256,
                asked_again=True,
            )
        label, failed = parse_verdict(second.text, self.labels)
        raw = f"{first.text.rstrip()}\n\n{second.text}"
        return Judged(label, failed, raw, second.outcome, prompt_digest(asked_again), True)


def _again(name: str) -> str:
    return f"{name}|again"


def _told(one: Evidence) -> str:
    source = f"\nSource: {one.url}" if one.url else ""
    return f"Question: {one.question}\nAnswer: {one.answer or NO_ANSWER}{source}"
