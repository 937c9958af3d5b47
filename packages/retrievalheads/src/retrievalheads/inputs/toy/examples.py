"""Datasets of the toy world in the form of all others, so that every command runs on them."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from ...records import Document, Example, Needle, Role, Variant
from .world import BLOCK, RELATIONS, ToyFact, draw_facts, filler_sentence


@dataclass(frozen=True)
class _Kind:
    """How a variant's text is made: wordings (numbers), filler, relations, symbols."""

    wordings: tuple[int, ...]
    varied: bool
    relations: tuple[str, ...] = RELATIONS
    symbolic: bool = False


# A writer of synthetic text knows two of the three wordings, the template one.
KINDS: dict[str, _Kind] = {
    "real-full": _Kind((0, 1, 2), True),
    "real-limited": _Kind((0, 1, 2), True, RELATIONS[:2]),
    "hh": _Kind((0, 1), True),
    "hl": _Kind((0, 1), False),
    "lh": _Kind((0,), True),
    "ll": _Kind((0,), False),
    "symbolic": _Kind((0,), True, symbolic=True),
}


def toy_examples(
    variant: Variant, split: str, count: int, *, context: int, facts: int, seed: int = 0
) -> list[Example]:
    """Examples of a variant, each drawn from a generator of its own.

    Parameters
    ----------
    context : tokens (= words) of prompt, target and end.
    facts : in each context, about different entities.
    """
    every = [_Wanted(variant, split, index, seed) for index in range(count)]
    return [_example(wanted, context=context, facts=facts) for wanted in every]


@dataclass(frozen=True)
class _Wanted:
    """Which example is made; its random choices depend on this alone."""

    variant: Variant
    split: str
    index: int
    seed: int

    def draw(self) -> random.Random:
        return random.Random(f"{self.seed}:toy:{self.variant}:{self.split}:{self.index}")


def _example(wanted: _Wanted, *, context: int, facts: int) -> Example:
    kind = KINDS[wanted.variant]
    draw = wanted.draw()
    known = draw_facts(draw, facts, symbolic=kind.symbolic)
    if not kind.symbolic:
        known = [ToyFact(f.entity, draw.choice(kind.relations), f.value) for f in known]
    stated = [fact.sentence(draw.choice(kind.wordings)) for fact in known]
    gold = draw.randrange(facts)
    question = f"? {known[gold].query()}"
    # The value, the end, and a stop after every sentence count too.
    room = context - len(question.split()) - 2 - sum(len(s.split()) + 1 for s in stated)
    sentences: list[tuple[str, int | None]] = [(s, i) for i, s in enumerate(stated)]
    places = list(_fitting(_markov(draw) if kind.varied else _block(), room))
    for sentence in places if kind.varied else ():
        sentences.append((sentence, None))
    draw.shuffle(sentences)
    if not kind.varied:
        sentences = _among(places, sentences, draw)
    return _record(wanted, sentences, known[gold], gold, question)


def _fitting(sentences: Iterator[str], room: int) -> Iterator[str]:
    """Sentences until the next one would not fit."""
    for sentence in sentences:
        room -= len(sentence.split()) + 1
        if room < 0:
            return
        yield sentence


def _markov(draw: random.Random) -> Iterator[str]:
    while True:
        yield filler_sentence(draw)


def _block() -> Iterator[str]:
    while True:
        yield from BLOCK


def _among(
    filler: list[str], stated: list[tuple[str, int | None]], draw: random.Random
) -> list[tuple[str, int | None]]:
    """The repeated block in its own order, with the facts in random places."""
    mixed: list[tuple[str, int | None]] = [(sentence, None) for sentence in filler]
    for sentence in stated:
        mixed.insert(draw.randint(0, len(mixed)), sentence)
    return mixed


def _record(
    wanted: _Wanted,
    sentences: list[tuple[str, int | None]],
    fact: ToyFact,
    gold: int,
    question: str,
) -> Example:
    prompt, documents, needles = "", [], []
    for number, (sentence, which) in enumerate(sentences, 1):
        is_gold = which == gold
        if is_gold:
            start = len(prompt) + sentence.rindex(fact.value)
            end = start + len(fact.value)
            needles.append(Needle(kind="answer", start=start, end=end, doc_id=number))
        role: Role = "gold" if is_gold else "filler" if which is None else "distractor"
        documents.append(Document(doc_id=number, text=sentence, role=role))
        prompt += f"{sentence} . "
    prompt += question
    return Example(
        id=f"toy-{wanted.variant}-{wanted.split}-{wanted.index}",
        task="mdqa",
        variant=wanted.variant,
        split=wanted.split,
        query=question,
        documents=tuple(documents),
        prompt=prompt,
        target=f" {fact.value}",
        answers=(fact.value,),
        needles=tuple(needles),
        n_tokens=len(prompt.split()) + 1,
        meta={"seed": wanted.seed, "needle_texts": [fact.value]},
    )
