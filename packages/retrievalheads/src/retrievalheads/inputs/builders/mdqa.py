"""MDQA: one passage answers the question."""

import random
from collections.abc import Iterator, Sequence

from ...records import Example, Role
from ..fact_writers import BuildError, Need, UnwrittenError, invented_passage
from ..normalised_text import stands_in, whole_words
from ..prompt_rendering import Draft, Span
from ..published_files import Fact, Passage, QuestionItem, wh_word
from ..wordings import RELATIONS, WORDINGS, as_noun, fictional_name, state
from .contexts import Frame, LeakGuard, filled, fillers, finish, numbers_for, repeated

HARD_NEGATIVES = 3
OTHER_FACTS = 40  # of a file of facts, in one context


def passages(items: Sequence[QuestionItem]) -> list[Passage]:
    """What can fill other examples' contexts."""
    return [item.gold for item in items if item.gold is not None]


def answer_spans(text: str, answers: Sequence[str]) -> tuple[Span, ...]:
    """Every place where an accepted answer stands by itself; of overlapping ones the longest."""
    found = [
        (match.start(), match.end()) for answer in answers for match in whole_words(answer, text)
    ]
    kept: list[tuple[int, int]] = []
    for start, end in sorted(found, key=lambda span: (span[0], -span[1])):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return tuple(Span("answer", start, end) for start, end in kept)


def real(frame: Frame, item: QuestionItem, index: int) -> Example:
    """The gold passage among the question's distractors and passages of other questions."""
    draw = frame.draw(index)
    if item.gold is None:
        raise BuildError("the source has no passages")
    target = next((a for a in item.answers if stands_in(a, item.gold.text)), None)
    if target is None:
        raise BuildError("no accepted answer in the gold passage")
    gold = Draft(
        text=item.gold.text,
        role="gold",
        title=item.gold.title or None,
        spans=answer_spans(item.gold.text, item.answers),
    )
    guard = LeakGuard(item.answers, [item.gold.title])
    guard.must(f"{item.gold.title} {item.gold.text}")

    def others() -> Iterator[Draft]:
        for passage in item.distractors:
            if guard.allows(f"{passage.title} {passage.text}", filler=False):
                yield Draft(text=passage.text, role="distractor", title=passage.title or None)
        yield from fillers(frame, guard, draw)

    query = _asked(item.question)
    drafts = filled(frame, [gold], others(), query=query, target=f" {target}", draw=draw)
    return finish(
        frame,
        item.id,
        drafts,
        query=query,
        target=f" {target}",
        answers=item.answers,
        meta={"source": item.id},
    )


def _asked(question: str) -> str:
    return question if question.endswith("?") else question + "?"


def plan(frame: Frame, item: QuestionItem, index: int) -> tuple[Fact, list[Fact]]:
    """The fact of a synthetic example, and facts that look like it."""
    draw = frame.draw(index)
    if item.fact is not None:
        others = [
            other.fact
            for other in frame.items
            if isinstance(other, QuestionItem)
            and other.fact not in (None, item.fact)
            and other.fact.value != item.fact.value
        ]
        draw.shuffle(others)
        alike = [fact for fact in others if fact.relation == item.fact.relation]
        # The same relation first: hard negatives; then the file's other facts.
        hard = alike[:HARD_NEGATIVES]
        fact = item.fact
        negatives = [*hard, *(other for other in others if other not in hard)][:OTHER_FACTS]
    else:
        assert item.gold is not None
        kind = wh_word(item.question)
        relation = draw.choice(RELATIONS.get(kind, RELATIONS["what"]))
        there = (a for a in item.answers if stands_in(a, item.gold.text))
        value = next(there, item.answers[0])
        fact = Fact(item.gold.title or fictional_name(draw), relation, value)
        values = _other_values(frame, item, draw)
        negatives = [Fact(fictional_name(draw), relation, value) for value in values]
    if frame.fictional:
        fact = Fact(fictional_name(draw), fact.relation, fact.value)
        negatives = [Fact(fictional_name(draw), f.relation, f.value) for f in negatives]
    return fact, negatives


def _other_values(frame: Frame, item: QuestionItem, draw: random.Random) -> list[str]:
    """Answers of other questions."""
    values: list[str] = []
    for _ in range(50):
        other = draw.choice(frame.items)
        assert isinstance(other, QuestionItem)
        value = other.answers[0]
        if other.id != item.id and value not in item.answers and value not in values:
            values.append(value)
        if len(values) == HARD_NEGATIVES:
            break
    return values


def needs(frame: Frame, item: QuestionItem, index: int) -> list[Need]:
    """Texts that a synthetic example asks its writer for."""
    fact, negatives = plan(frame, item, index)
    if frame.variant[0] == "l":
        return []
    wanted = [fact, *negatives] if frame.variant[1] == "h" else [fact]
    return [Need("passage", fact=fact) for fact in wanted]


def fact_draft(frame: Frame, fact: Fact, role: Role, draw: random.Random) -> Draft:
    """A document that states a fact: a written passage, or the one template sentence."""
    if frame.variant[0] == "h":
        written = frame.writer.passage(fact, draw)
        (start, end) = written.spans[0]
        return Draft(
            text=written.text, role=role, title=fact.entity, spans=(Span("answer", start, end),)
        )
    text, start = state(WORDINGS[0], fact.entity, as_noun(fact.relation), fact.value)
    return Draft(text=text, role=role, spans=(Span("answer", start, start + len(fact.value)),))


def negative_drafts(
    frame: Frame, negatives: Sequence[Fact], guard: LeakGuard, draw: random.Random
) -> Iterator[Draft]:
    """Hard negatives; one that the writer has no text for is left out."""
    for fact in negatives:
        try:
            draft = fact_draft(frame, fact, "distractor", draw)
        except UnwrittenError:
            continue
        if guard.allows(draft.text, filler=False):
            yield Draft(text=draft.text, role="distractor", title=draft.title)


def synthetic(frame: Frame, item: QuestionItem, index: int) -> Example:
    """One fact in words of high or low expression, in a context of high or low diversity."""
    fact, negatives = plan(frame, item, index)
    draw = frame.draw(index, "text")
    gold = fact_draft(frame, fact, "gold", draw)
    guard = LeakGuard([fact.value], [fact.entity])
    guard.must(gold.text)

    query = f"What is the {as_noun(fact.relation)} of {fact.entity}?"
    target = f" {fact.value}"
    around = surroundings(frame, negatives, guard, draw)
    drafts = filled(frame, [gold], around, query=query, target=target, draw=draw)
    meta = {"relation": fact.relation, "entity": fact.entity, "source": item.id}
    return finish(
        frame, item.id, drafts, query=query, target=target, answers=[fact.value], meta=meta
    )


def surroundings(
    frame: Frame, negatives: Sequence[Fact], guard: LeakGuard, draw: random.Random
) -> Iterator[Draft]:
    """What stands around the facts: one block again and again, or varied passages."""
    if frame.variant[1] == "l":
        yield from repeated(guard)
        return
    yield from negative_drafts(frame, negatives, guard, draw)
    yield from fillers(frame, guard, draw)
    yield from written_fillers(frame, guard, draw)


def written_fillers(frame: Frame, guard: LeakGuard, draw: random.Random) -> Iterator[Draft]:
    """Passages by our templates about invented things, where the source has too few."""
    for number in range(2000):
        fact, text = invented_passage(draw, number, drawn=True)
        if guard.allows(text):
            yield Draft(text=text, role="filler", title=fact.entity)


def symbolic(frame: Frame, item: QuestionItem, index: int) -> Example:
    """Small dictionaries; the queried key stands once in the whole context."""
    draw = frame.draw(index)
    keys = draw.sample(range(10_000, 100_000), numbers_for(frame.context))
    values = draw.sample(range(100, 10_000), min(9_000, numbers_for(frame.context)))
    key, value = keys.pop(), values.pop()

    def dictionary(*more: tuple[int, int]) -> tuple[str, int]:
        entries = [(keys.pop(), draw.choice(values)) for _ in range(draw.randint(2, 3))]
        entries += more
        draw.shuffle(entries)
        text, at = "{", -1
        for number, (k, v) in enumerate(entries):
            text += ", " if number else ""
            text += f"{k}: "
            at = len(text) if (k, v) in more else at
            text += str(v)
        return text + "}", at

    text, start = dictionary((key, value))
    span = Span("answer", start, start + len(str(value)))
    gold = Draft(text=text, role="gold", spans=(span,))

    def others() -> Iterator[Draft]:
        while len(keys) > 10:
            yield Draft(text=dictionary((keys.pop(), draw.choice(values)))[0], role="filler")

    query, target = f"What is the value of key {key}?", f" {value}"
    drafts = filled(frame, [gold], others(), query=query, target=target, draw=draw)
    meta = {"relation": "key", "source": item.id}
    return finish(
        frame, item.id, drafts, query=query, target=target, answers=[str(value)], meta=meta
    )
