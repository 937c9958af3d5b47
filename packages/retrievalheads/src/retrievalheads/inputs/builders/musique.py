"""MuSiQue: one passage a hop."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Literal

from ...records import Example, Role
from ..fact_writers import BuildError, Need
from ..normalised_text import stands_in, whole_words
from ..prompt_rendering import Draft, Span
from ..published_files import ChainItem, Fact, Passage
from ..wordings import NOUNS, as_noun, fictional_name
from .contexts import Frame, LeakGuard, filled, fillers, finish, numbers_for
from .mdqa import fact_draft, surroundings

_ARROW = re.compile(r"^(?P<subject>.+?) >> (?P<relation>.+)$")
BROKEN_CHAINS = 2  # a hop
TOP_RELATIONS = 10


def passages(items: Sequence[ChainItem]) -> list[Passage]:
    """What can fill other examples' contexts."""
    return list(dict.fromkeys(p for item in items for p in item.paragraphs))


def relation_of(question: str) -> str | None:
    """The relation of a step written as `subject >> relation`."""
    match = _ARROW.match(question)
    return match["relation"] if match else None


def limited(items: Sequence[ChainItem]) -> list[ChainItem]:
    """Real-Limited: every step is of the arrow form, with one of the most frequent relations."""
    count = Counter(relation_of(hop.question) for item in items for hop in item.hops)
    count.pop(None, None)
    top = {relation for relation, _ in count.most_common(TOP_RELATIONS)}
    return [i for i in items if all(relation_of(hop.question) in top for hop in i.hops)]


def real(frame: Frame, item: ChainItem, index: int) -> Example:
    """The supporting paragraphs among the question's others and those of other questions."""
    draw = frame.draw(index)
    if not item.paragraphs:
        raise BuildError("the source has no paragraphs")
    by_paragraph: dict[int, list[int]] = {}
    for number, hop in enumerate(item.hops, 1):
        if hop.paragraph is None or not 0 <= hop.paragraph < len(item.paragraphs):
            raise BuildError("a hop names no paragraph")
        by_paragraph.setdefault(hop.paragraph, []).append(number)
    last = len(item.hops)
    if not stands_in(item.hops[-1].answer, item.paragraphs[item.hops[-1].paragraph or 0].text):
        raise BuildError("the answer is not in its passage")
    must = []
    for paragraph, numbers in by_paragraph.items():
        passage = item.paragraphs[paragraph]
        spans = [
            Span("answer" if number == last else "bridge", match.start(), match.end(), number)
            for number in numbers
            for match in whole_words(item.hops[number - 1].answer, passage.text)
        ]
        must.append(
            Draft(
                text=passage.text,
                role="gold" if last in numbers else "bridge",
                title=passage.title or None,
                hop=max(numbers),
                spans=tuple(spans),
            )
        )
    hops = [hop.answer for hop in item.hops]
    guard = LeakGuard([*item.answers, *hops], [d.title or "" for d in must])
    for draft in must:
        guard.must(f"{draft.title or ''} {draft.text}")

    def others() -> Iterator[Draft]:
        for paragraph, passage in enumerate(item.paragraphs):
            if paragraph in by_paragraph:
                continue
            if guard.allows(f"{passage.title} {passage.text}", filler=False):
                yield Draft(text=passage.text, role="distractor", title=passage.title or None)
        yield from fillers(frame, guard, draw)

    target = f" {item.answers[0]}"
    drafts = filled(frame, must, others(), query=item.question, target=target, draw=draw)
    meta = {"source": item.id, "hops": [hop.question for hop in item.hops]}
    return finish(
        frame, item.id, drafts, query=item.question, target=target, answers=item.answers, meta=meta
    )


def plan(frame: Frame, item: ChainItem, index: int) -> tuple[list[Fact], list[Fact]]:
    """The chain's facts in order, and broken chains: the same relations of other entities.

    Raises
    ------
    BuildError : two steps have one answer, or an answer is part of another.
    """
    draw = frame.draw(index)
    chain: list[Fact] = []
    first = _ARROW.match(item.hops[0].question)
    title = item.paragraphs[item.hops[0].paragraph or 0].title if item.paragraphs else ""
    entity = first["subject"] if first else title
    if frame.fictional or not entity:
        entity = fictional_name(draw)
    for number, hop in enumerate(item.hops, 1):
        relation = relation_of(hop.question) or draw.choice(sorted(NOUNS.values()))
        last = number == len(item.hops)
        value = fictional_name(draw) if frame.fictional and not last else hop.answer
        chain.append(Fact(entity, relation, value))
        entity = value
    names = [chain[0].entity, *(fact.value for fact in chain)]
    if any(a != b and a in b for a in names for b in names) or len(set(names)) < len(names):
        raise BuildError("names of the chain repeat")
    broken = [
        Fact(fictional_name(draw), fact.relation, fictional_name(draw))
        for fact in chain
        for _ in range(BROKEN_CHAINS)
    ]
    return chain, broken


def needs(frame: Frame, item: ChainItem, index: int) -> list[Need]:
    """Texts that a synthetic example asks its writer for."""
    if frame.variant[0] == "l":
        return []
    try:
        chain, broken = plan(frame, item, index)
    except BuildError:
        return []
    wanted = [*chain, *broken] if frame.variant[1] == "h" else chain
    return [Need("passage", fact=fact) for fact in wanted]


def asked(chain: Sequence[Fact]) -> str:
    """The question that the chain answers: what is the r3 of the r2 of the r1 of X?"""
    path = " of ".join(f"the {as_noun(fact.relation)}" for fact in reversed(chain))
    return f"What is {path} of {chain[0].entity}?"


def synthetic(frame: Frame, item: ChainItem, index: int) -> Example:
    """One document a hop, linked by their entities, in a context of high or low diversity."""
    chain, broken = plan(frame, item, index)
    draw = frame.draw(index, "text")
    must = []
    for number, fact in enumerate(chain, 1):
        last = number == len(chain)
        draft = fact_draft(frame, fact, "gold" if last else "bridge", draw)
        span = draft.spans[0]
        kind: Literal["answer", "bridge"] = "answer" if last else "bridge"
        spans = (Span(kind, span.start, span.end, number),)
        must.append(Draft(draft.text, draft.role, draft.title, number, spans))
    guard = LeakGuard([fact.value for fact in chain], [chain[0].entity])
    for draft in must:
        guard.must(draft.text)

    query, target = asked(chain), f" {chain[-1].value}"
    drafts = filled(
        frame, must, surroundings(frame, broken, guard, draw), query=query, target=target, draw=draw
    )
    meta = {
        "source": item.id,
        "entity": chain[0].entity,
        "relation": [fact.relation for fact in chain],
    }
    return finish(
        frame, item.id, drafts, query=query, target=target, answers=[chain[-1].value], meta=meta
    )


def symbolic(frame: Frame, item: ChainItem, index: int) -> Example:
    """Chains key -> key -> .. -> value of the question's depth, among chains of equal length."""
    draw = frame.draw(index)
    depth = len(item.hops)
    keys = draw.sample(range(10_000, 100_000), numbers_for(frame.context))
    values = draw.sample(range(100, 10_000), min(9_000, numbers_for(frame.context)))
    start, steps = _chain(keys, values, depth)
    must = []
    for number, (key, value) in enumerate(steps, 1):
        at = len(f"{{{key}: ")
        kind: Literal["answer", "bridge"] = "answer" if number == depth else "bridge"
        span = Span(kind, at, at + len(str(value)), number)
        role: Role = "gold" if number == depth else "bridge"
        text = f"{{{key}: {value}}}"
        must.append(Draft(text=text, role=role, hop=number, spans=(span,)))

    def others() -> Iterator[Draft]:
        while len(keys) > depth and values:
            for key, value in _chain(keys, values, depth)[1]:
                yield Draft(text=f"{{{key}: {value}}}", role="distractor")

    query = f"Follow {depth} links from key {start}: which value is reached?"
    target = f" {steps[-1][1]}"
    drafts = filled(frame, must, others(), query=query, target=target, draw=draw)
    meta = {"relation": "key", "source": item.id, "depth": depth}
    return finish(
        frame, item.id, drafts, query=query, target=target, answers=[str(steps[-1][1])], meta=meta
    )


def _chain(keys: list[int], values: list[int], depth: int) -> tuple[int, list[tuple[int, int]]]:
    path = [keys.pop() for _ in range(depth)] + [values.pop()]
    return path[0], list(pairwise(path))
