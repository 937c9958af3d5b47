"""Which responses are of use, which of their sentences are filler, and which are supported."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tenpapers.sentences import Span, sentence_split

from ..records import Detected, Instance
from .rows import Initial, Labelled, is_ultrachat


@dataclass(frozen=True)
class Kept:
    """Responses that are of use, and how many are not, by reason."""

    rows: list[Initial] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)


class Filler(NamedTuple):
    """Sentences with which more than one response begins, or ends."""

    first: frozenset[str]
    last: frozenset[str]


def usable(rows: Iterable[Initial]) -> Kept:
    """Leave out what is no use: failed draws; answers as long as their instruction; all filler.

    Such an answer tells more than its instruction's text, which is the document.
    """
    kept = Kept()
    for row in rows:
        if row.dropped:
            kept.dropped[row.dropped] += 1
        elif is_ultrachat(row) and len(row.response) >= len(row.instruction or row.document):
            kept.dropped["longer than its instruction"] += 1
        else:
            kept.rows.append(row)
    filler = filler_of(kept.rows)
    only = [row for row in kept.rows if not content_of(sentence_split(row.response), filler)]
    kept.dropped["filler alone"] += len(only)
    names = {row.id for row in only}
    return Kept([row for row in kept.rows if row.id not in names], +kept.dropped)


def filler_of(rows: Sequence[Instance]) -> Filler:
    """Sentences such as "Sure, here is the summary:", by how often they begin or end responses."""
    first, last = Counter[str](), Counter[str]()
    for row in rows:
        if sentences := sentence_split(row.response):
            first[sentences[0].text] += 1
            last[sentences[-1].text] += 1
    return Filler(
        frozenset(text for text, count in first.items() if count > 1),
        frozenset(text for text, count in last.items() if count > 1),
    )


def content_of(sentences: Sequence[Span], filler: Filler) -> list[int]:
    """Which sentences are no filler, by their numbers from 0."""
    return [
        number
        for number, sentence in enumerate(sentences)
        if sentence.text not in filler.first and sentence.text not in filler.last
    ]


def labelled_rows(
    rows: Sequence[Initial],
    filler: Filler,
    detect: Callable[[Sequence[Initial]], Iterable[Detected]],
) -> Iterator[Labelled]:
    """Responses with labels of all sentences that are no filler."""
    for row in detect(rows):
        spans = [
            Span(start, end, text)
            for (start, end), text in zip(row.offsets, row.sentences, strict=True)
        ]
        kept = content_of(spans, filler)
        labels = [row.labels[number] for number in kept]
        told = {
            "all_sentences": row.sentences,
            "sentences": [row.sentences[number] for number in kept],
            "offsets": [row.offsets[number] for number in kept],
            "support_prob": [row.support_prob[number] for number in kept],
            "labels": labels,
            "response_ok": all(labels),
            "sent_wise_labels": labels,
            "summary_factual": all(labels),
        }
        yield Labelled.model_validate(dict(row) | told)
