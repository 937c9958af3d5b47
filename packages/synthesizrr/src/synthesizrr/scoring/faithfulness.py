"""How faithful texts are to their documents, as a judge model says.

Two questions a row, in the manner of RAGAS: which statements of the text does the document
support, and which sentences of the document does the text use. A reply that cannot be read is
left out of the mean and counted.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import typer
from tenpapers.generation import Generator, Request, Sampling
from tenpapers.generation.types import Message
from tenpapers.templates import fill

from ..records import Synthetic

_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_VERDICT = re.compile(r"^\s*(\d+)\s*[:.)]\s*(yes|no)\b", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class JudgeSettings:
    """Who judges, and which rows."""

    judge: Annotated[str, typer.Option("--judge", "--model", help="Model spec of the judge.")] = (
        "smollm2"
    )
    limit: Annotated[
        int | None, typer.Option("-n", "--limit", help="Only the first N rows.", min=1)
    ] = None
    cache: Annotated[
        bool, typer.Option("--cache/--no-cache", help="Reuse completions of earlier runs.")
    ] = True


@dataclass(frozen=True)
class RagScores:
    """Means between 0 and 1 over the rows that could be judged; None without any.

    Parameters
    ----------
    faithfulness : supported statements of all statements of a text.
    context_relevance : sentences of the document that the text uses, of all its sentences.
    unreadable : replies without a verdict on every item.
    """

    faithfulness: float | None
    context_relevance: float | None
    rows: int
    unreadable: int


def sentences(text: str) -> list[str]:
    """Sentences of a text."""
    return [part for part in _SENTENCE.split(text.strip()) if part]


def judge_rows(rows: Sequence[Synthetic], judge: Generator, *, seed: int = 0) -> RagScores:
    """Ask the judge about all rows that have a document."""
    with_document = [row for row in rows if row.context]
    questions = [question for row in with_document for question in _questions(row)]
    requests = [_request(question, seed) for question in questions]
    items_of = {question.id: question.items for question in questions}
    shares: dict[str, list[float]] = {"f": [], "r": []}
    unreadable = 0
    for reply in judge.stream(requests, progress="judge"):
        share = verdict_share(reply.text, items_of[reply.id])
        if share is None:
            unreadable += 1
        else:
            shares[reply.id[0]].append(share)
    means = {kind: sum(found) / len(found) if found else None for kind, found in shares.items()}
    return RagScores(means["f"], means["r"], len(with_document), unreadable)


class _Question(NamedTuple):
    """One question about a row: its prompt, and how many verdicts are asked for."""

    id: str
    prompt: str
    items: int


def _questions(row: Synthetic) -> list[_Question]:
    document = row.context or ""
    statements, used = sentences(row.text), sentences(document)
    faithful = fill(
        "synthesizrr", "judge_faithfulness", document=document, statements=_numbered(statements)
    )
    relevant = fill("synthesizrr", "judge_relevance", text=row.text, sentences=_numbered(used))
    return [
        _Question(f"f:{row.id}", faithful, len(statements)),
        _Question(f"r:{row.id}", relevant, len(used)),
    ]


def _numbered(items: Sequence[str]) -> str:
    return "\n".join(f"{number}. {item}" for number, item in enumerate(items, 1))


def _request(question: _Question, seed: int) -> Request:
    sampling = Sampling(max_tokens=8 * question.items + 16, seed=seed)
    message = Message(role="user", content=question.prompt)
    return Request(id=question.id, messages=(message,), sampling=sampling)


def verdict_share(reply: str, items: int) -> float | None:
    """Share of yes among the verdicts; None unless every item has exactly one.

    A model may go on and on, so only the first verdict of an item counts.
    """
    found: dict[int, bool] = {}
    for number, word in _VERDICT.findall(reply):
        found.setdefault(int(number), word.lower() == "yes")
    if items == 0 or set(range(1, items + 1)) - set(found):
        return None
    return sum(found[number] for number in range(1, items + 1)) / items
