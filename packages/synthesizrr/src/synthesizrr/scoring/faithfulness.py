"""How faithful texts are to their documents, as a judge model says (spec 5, "RAG metrics").

Two questions a row, in the manner of RAGAS: which statements of the text does the document
support, and which sentences of the document does the text use. A reply that cannot be read is
left out of the mean and counted.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tenpapers.generation import Generator, Request, Sampling
from tenpapers.generation.types import Message

from ..records import Synthetic

_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_VERDICT = re.compile(r"^\s*(\d+)\s*[:.)]\s*(yes|no)\b", re.IGNORECASE | re.MULTILINE)
FAITHFUL = (
    "Below are a document and numbered statements. For each statement write its number, a colon, "
    "and yes if the document supports it, or no if it does not. One line each, nothing else."
)
RELEVANT = (
    "Below are a text and the numbered sentences of a document. For each sentence write its "
    "number, a colon, and yes if the text uses what it says, or no. One line each, nothing else."
)


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
    asked: dict[str, int] = {}
    requests = []
    held = [row for row in rows if row.context]
    for row in held:
        for kind, ask, whole, parts in (
            ("f", FAITHFUL, f"Document:\n{row.context}", sentences(row.text)),
            ("r", RELEVANT, f"Text:\n{row.text}", sentences(row.context or "")),
        ):
            listed = "\n".join(f"{n}. {part}" for n, part in enumerate(parts, 1))
            name = f"{kind}:{row.id}"
            asked[name] = len(parts)
            sampling = Sampling(max_tokens=8 * len(parts) + 16, seed=seed)
            message = Message(role="user", content=f"{ask}\n\n{whole}\n\n{listed}")
            requests.append(Request(id=name, messages=(message,), sampling=sampling))
    shares: dict[str, list[float]] = {"f": [], "r": []}
    unreadable = 0
    for done in judge.stream(requests, progress="judge"):
        share = verdict_share(done.text, asked[done.id])
        if share is None:
            unreadable += 1
        else:
            shares[done.id[0]].append(share)
    means = {kind: sum(found) / len(found) if found else None for kind, found in shares.items()}
    return RagScores(means["f"], means["r"], len(held), unreadable)


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
