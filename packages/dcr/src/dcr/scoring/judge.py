"""Judges that are language models: a score for a text, scores for two, a label for a critique."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tenpapers.generation import Completion, Generator, Request, Sampling, ask_until_read
from tenpapers.generation.types import Message

from ..critique.fences import messages
from .score_parser import read_label, read_score

# How pairs are shown: once in an order drawn by a fair coin, or in both orders.
Orders = Literal["both_orders", "random_order"]
Match = Literal["same error", "different error", "no error named"]
MATCHES: tuple[Match, ...] = ("same error", "different error", "no error named")
# How a judge's answer ended that says nothing; each is counted for itself.
Outcome = Literal["read", "unparsed", "truncated", "refused", "filtered", "failed"]
OUTCOMES: tuple[Outcome, ...] = ("read", "unparsed", "truncated", "refused", "filtered", "failed")

SCORE_PHRASE = "The final score is"
PAIR_PHRASES = ("The final score of text 1 is", "The final score of text 2 is")
MATCH_PHRASE = "The verdict is"
# Of the paper's code: how the judge is sampled, and how often until its closing phrase appears.
TOP_P, MAX_TOKENS, TRIES = 0.6, 500, 5


@dataclass(frozen=True)
class Question:
    """What a judge is asked; its words are read by `read`, which gives None for each it finds not.

    Parameters
    ----------
    read : of the visible answer: scores, or a label.
    """

    id: str
    messages: tuple[Message, ...]
    read: Callable[[str], tuple[float | str | None, ...]]


@dataclass(frozen=True)
class Judgement:
    """A judge's answer.

    Parameters
    ----------
    values : scores or a label, None for each that could not be read.
    outcome : `read` only where every value was.
    ended : stop, length, refused, filtered, or `error: words`.
    tries : how often was asked.
    """

    id: str
    values: tuple[float | str | None, ...]
    outcome: Outcome
    ended: str
    raw: str
    tries: int

    def row(self) -> dict[str, object]:
        """As a row; `error` where there was no answer at all, so that it is asked again."""
        row: dict[str, object] = {
            "id": self.id,
            "values": list(self.values),
            "outcome": self.outcome,
            "finish_reason": self.ended,
            "raw": self.raw,
            "tries": self.tries,
        }
        return row | ({"error": self.ended} if self.outcome == "failed" else {})


def likert_question(
    name: str, document: str, response: str, topic: str | None, prompts: Path | None = None
) -> Question:
    """Ask for a score of 1 to 5: 5 is entirely consistent with the document."""
    asked = messages(
        "likert", prompts, document=document, response=response, topic=topic, phrase=SCORE_PHRASE
    )
    return Question(name, asked, lambda text: (read_score(text, SCORE_PHRASE),))


def pair_question(
    name: str,
    document: str,
    first: str,
    second: str,
    topic: str | None,
    prompts: Path | None = None,
) -> Question:
    """Ask for the scores of two texts, in the order in which they are shown."""
    asked = messages(
        "pairwise",
        prompts,
        document=document,
        first=first,
        second=second,
        topic=topic,
        phrases=PAIR_PHRASES,
    )
    return Question(
        name, asked, lambda text: tuple(read_score(text, phrase) for phrase in PAIR_PHRASES)
    )


def match_question(
    name: str, sentence: str, explanation: str, critique: str, prompts: Path | None = None
) -> Question:
    """Ask whether a critique names the error that a person explained."""
    asked = messages(
        "error_match",
        prompts,
        sentence=sentence,
        explanation=explanation,
        critique=critique,
        phrase=MATCH_PHRASE,
    )
    return Question(name, asked, lambda text: (read_label(text, MATCH_PHRASE, MATCHES),))


def judge(
    model: Generator,
    questions: Sequence[Question],
    *,
    seed: int = 0,
    max_tokens: int = MAX_TOKENS,
    tries: int = TRIES,
    progress: str | None = None,
) -> Iterator[Judgement]:
    """Ask a judge, greedily; where its closing phrase does not appear, up to `tries` times."""
    by_id = {question.id: question for question in questions}
    sampling = Sampling(top_p=TOP_P, max_tokens=max_tokens, seed=seed)
    requests = [Request(id=q.id, messages=q.messages, sampling=sampling) for q in questions]

    def readable(done: Completion) -> bool:
        return None not in by_id[done.id].read(done.text)

    for done, asked in ask_until_read(model, requests, readable, tries=tries, progress=progress):
        values = by_id[done.id].read(done.text)
        outcome = _outcome(done, values)
        if outcome in ("refused", "filtered", "failed"):
            values = (None,) * len(values)
        yield Judgement(done.id, values, outcome, done.outcome, done.text, asked)


def _outcome(done: Completion, values: tuple[float | str | None, ...]) -> Outcome:
    if done.failed:
        return "failed"
    if done.finish_reason == "refused":
        return "refused"
    if done.finish_reason == "filtered":
        return "filtered"
    if None not in values:
        return "read"
    return "truncated" if done.finish_reason == "length" else "unparsed"


def win(original: float | None, refined: float | None) -> int | None:
    """1 where the refinement has the higher score, -1 where it has the lower one, 0 for a tie.

    None where one of the scores is missing: what could not be read is no tie.
    """
    if original is None or refined is None:
        return None
    return (refined > original) - (refined < original)


def mean_score(values: Sequence[float | None]) -> float | None:
    """Mean of the scores of one text; None where one is missing."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None
