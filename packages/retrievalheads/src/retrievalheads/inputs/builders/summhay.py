"""SummHay citation: every document that states an insight."""

import random
import re
from collections.abc import Iterator, Sequence

from ...records import Example
from ..fact_writers import BuildError, Need, TemplateWriter, UnwrittenError
from ..prompt_rendering import Draft, Span
from ..published_files import InsightItem, Passage
from ..wordings import FILLER, simplified
from .contexts import Frame, LeakGuard, filled, finish, numbers_for, repeated

GOLD = (2, 4)  # gold documents of a synthetic example
CODES = 4  # codes a symbolic document lists
_CONVERSATION = re.compile(r"\b(meeting|conversation|call|discuss|interview|session)", re.I)


def passages(items: Sequence[InsightItem]) -> list[Passage]:
    """Contexts are filled from the same haystack, never from another."""
    return []


def domain(item: InsightItem) -> str:
    """news or conversation, by the topic's words."""
    return "conversation" if _CONVERSATION.search(item.topic) else "news"


def real(frame: Frame, item: InsightItem, index: int) -> Example:
    """All documents that state the insight, then others of the haystack.

    Where in a document the insight is worded is not published, so its span is the whole document.
    """
    draw = frame.draw(index)
    if not item.stated_in:
        raise BuildError("the source has no haystack documents")
    must = [
        _cited(item.documents[number], (0, len(item.documents[number])))
        for number in item.stated_in
    ]
    rest = [i for i in range(len(item.documents)) if i not in item.stated_in]
    draw.shuffle(rest)
    others = (Draft(text=item.documents[number], role="distractor") for number in rest)
    drafts = filled(frame, must, others, query=item.insight, target=_longest(len(must)), draw=draw)
    meta = {"source": item.id, "topic": item.topic}
    return finish(frame, item.id, drafts, query=item.insight, target=None, answers=(), meta=meta)


def _cited(text: str, span: tuple[int, int]) -> Draft:
    return Draft(text=text, role="gold", spans=(Span("insight", *span),), cited=True)


def _longest(count: int) -> str:
    """A target of as many numbers, for the reserve."""
    return " " + "[100]" * count


def plan(frame: Frame, item: InsightItem, index: int) -> tuple[int, list[InsightItem]]:
    """How many documents state the insight, and other insights of its topic."""
    draw = frame.draw(index)
    count = draw.randint(*GOLD)
    others = [
        other
        for other in frame.items
        if isinstance(other, InsightItem) and other.topic == item.topic and other.id != item.id
    ]
    draw.shuffle(others)
    return count, others


def needs(frame: Frame, item: InsightItem, index: int) -> list[Need]:
    """Paraphrases first; documents can be asked for when those are there."""
    count, others = plan(frame, item, index)
    wanted: list[Need] = []
    if frame.variant[0] == "h":
        wanted.append(Need("paraphrase", sentences=(item.insight,), count=count))
    if frame.variant[1] == "h":
        wanted += [
            Need("document", topic=item.topic, sentences=(other.insight,)) for other in others
        ]
    return wanted


def documents_needed(frame: Frame, item: InsightItem, index: int) -> list[Need]:
    """The gold documents, around sentences that are known by now."""
    if frame.variant[1] == "l":
        return []
    count, _ = plan(frame, item, index)
    try:
        sentences = _sentences(frame, item, count, frame.draw(index, "text"))
    except UnwrittenError:
        return []
    return [Need("document", topic=item.topic, sentences=(s,)) for s in sentences]


def _sentences(frame: Frame, item: InsightItem, count: int, draw: random.Random) -> list[str]:
    if frame.variant[0] == "h":
        return list(frame.writer.paraphrases(item.insight, count, draw))
    return [simplified(item.insight)] * count


def synthetic(frame: Frame, item: InsightItem, index: int) -> Example:
    """The insight paraphrased or repeated, in documents of the topic or in filler."""
    count, others = plan(frame, item, index)
    draw = frame.draw(index, "text")
    query = item.insight if frame.variant[0] == "h" else simplified(item.insight)
    must = [
        _cited(*_placed(frame, item.topic, sentence, draw))
        for sentence in _sentences(frame, item, count, draw)
    ]
    guard = LeakGuard([query])
    for draft in must:
        guard.must(draft.text)

    def rest() -> Iterator[Draft]:
        if frame.variant[1] == "l":
            yield from repeated(guard)
            return
        for other in others:
            try:
                text = frame.writer.document(other.topic, [other.insight], draw).text
            except UnwrittenError:
                continue
            if guard.allows(text):
                yield Draft(text=text, role="distractor")
        writer = TemplateWriter()
        for _ in range(1000):
            text = writer.document(item.topic, [], draw).text
            if guard.allows(text):
                yield Draft(text=text, role="filler")

    drafts = filled(frame, must, rest(), query=query, target=_longest(count), draw=draw)
    meta = {"source": item.id, "topic": item.topic}
    return finish(frame, item.id, drafts, query=query, target=None, answers=(), meta=meta)


def _placed(
    frame: Frame, topic: str, sentence: str, draw: random.Random
) -> tuple[str, tuple[int, int]]:
    """A document with the sentence in it, and where."""
    if frame.variant[1] == "h":
        written = frame.writer.document(topic, [sentence], draw)
        return written.text, written.spans[0]
    parts = FILLER.split(". ")
    place = draw.randint(1, len(parts) - 1)
    before = ". ".join(parts[:place]) + ". "
    return before + sentence + " " + ". ".join(parts[place:]), (
        len(before),
        len(before) + len(sentence),
    )


def symbolic(frame: Frame, item: InsightItem, index: int) -> Example:
    """Lists of codes; the question asks which documents hold one of them."""
    draw = frame.draw(index)
    codes = draw.sample(range(10_000, 100_000), numbers_for(frame.context))
    code, count = codes.pop(), draw.randint(*GOLD)

    def listing(*more: int) -> tuple[str, int]:
        listed = [*(codes.pop() for _ in range(CODES - len(more))), *more]
        draw.shuffle(listed)
        text = ", ".join(map(str, listed))
        return text, text.find(str(code)) if more else -1

    must = []
    for _ in range(count):
        text, at = listing(code)
        must.append(_cited(text, (at, at + len(str(code)))))
    others = (Draft(text=listing()[0], role="filler") for _ in range(len(codes) // CODES - CODES))
    query = f"Code {code} is listed."
    drafts = filled(frame, must, others, query=query, target=_longest(count), draw=draw)
    return finish(
        frame,
        item.id,
        drafts,
        query=query,
        target=None,
        answers=(),
        meta={"source": item.id, "relation": "code"},
    )
