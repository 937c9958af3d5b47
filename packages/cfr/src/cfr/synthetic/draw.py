"""Items of the synthetic inference set, drawn from a seeded world."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from tenpapers.errors import UserError

from ..records import Passage, Pool
from .windows import N_TOPICS, process_window, topic_window, violation
from .world import Domain, Entity, Process, Property, World, make_world, rule

TEST_SHARE = 0.2  # of the items


class SynthItem(Pool):
    """A claim whose answer is in the one window that never uses the claim's words.

    Parameters
    ----------
    passages : six in random order: one that answers, three about the claim that do not, one about
        the same process and another entity, one about something else.
    label : Supported where the process implies the property, else Refuted.
    """

    label: Literal["Supported", "Refuted"]
    entity: str
    process: str
    property: str
    domain: str
    split: Literal["train", "test"]


class _Case(NamedTuple):
    """Numbers of an entity and of a property of its domain."""

    entity: int
    stated: int


class About(NamedTuple):
    """What a window is about: a process, or where that is None a claim."""

    domain: Domain
    entity: str
    process: Process | None
    stated: Property | None


class Drawn(NamedTuple):
    """Items, and what each of their windows is about, by pid."""

    items: list[SynthItem]
    about: dict[str, About]


def synth(n: int = 500, *, seed: int = 0) -> list[SynthItem]:
    """Draw the synthetic inference set; see `draw`."""
    return draw(n, seed=seed).items


def draw(n: int = 500, *, seed: int = 0) -> Drawn:
    """Draw the synthetic inference set: the train items first, then a fifth for test.

    An entity has one process and one window about it, which stands in the pools of all claims about
    the entity. Half of the claims are supported, as far as there are enough.

    Parameters
    ----------
    n : items.

    Raises
    ------
    UserError : the world does not have so many.
    """
    if n < 1:
        raise UserError(f"--n {n}: 1 or more")
    rng = np.random.default_rng(seed)
    world = make_world(rng)
    windows = _entity_windows(world, rng)
    n_test = round(TEST_SHARE * n)
    items: list[SynthItem] = []
    about = {
        window.pid: _about(world, entity)
        for window, entity in zip(windows, world.entities, strict=True)
    }
    for test, count in ((False, n - n_test), (True, n_test)):
        for place, case in enumerate(_cases(world, test, count, rng)):
            first = place % 2 == 0  # whether the right window stands before its double
            item = _item(len(items), case, world, windows, rng, right_first=first)
            items.append(item)
            claimed = _about(world, world.entities[case.entity], case.stated)
            for passage in item.passages:
                about.setdefault(passage.pid, claimed)
    return Drawn(items, about)


def _about(world: World, entity: Entity, stated: int | None = None) -> About:
    domain = world.domains[entity.domain]
    if stated is None:
        return About(domain, entity.name, domain.processes[entity.process], None)
    return About(domain, entity.name, None, domain.properties[stated])


def _cases(world: World, test: bool, count: int, rng: np.random.Generator) -> list[_Case]:
    """Different claims of one side, half of them true where there are enough, in random order."""
    held: dict[bool, list[_Case]] = {True: [], False: []}
    for number, entity in enumerate(world.entities):
        domain = world.domains[entity.domain]
        if entity.test is not test:
            continue
        for stated, about in enumerate(domain.properties):
            pair_of_test = (entity.process, stated) in world.test_pairs[entity.domain]
            if pair_of_test is test:
                true = rule(domain.processes[entity.process], about)
                held[true].append(_Case(number, stated))
    most = sum(map(len, held.values()))
    if count > most:
        side = "test" if test else "train"
        raise UserError(f"the world has {most} different {side} claims, not {count}", "a lower --n")
    shuffled = {
        true: [cases[place] for place in rng.permutation(len(cases))]
        for true, cases in held.items()
    }
    n_true = min(len(shuffled[True]), max(count // 2, count - len(shuffled[False])))
    chosen = [*shuffled[True][:n_true], *shuffled[False][: count - n_true]]
    return [chosen[place] for place in rng.permutation(len(chosen))]


def _entity_windows(world: World, rng: np.random.Generator) -> list[Passage]:
    windows = []
    for number, entity in enumerate(world.entities):
        domain = world.domains[entity.domain]
        process = domain.processes[entity.process]
        text = process_window(entity.name, process, rng)
        wrong = violation(text, entity.name, process, domain)
        assert not wrong, f"{entity.name}: the window {wrong}"
        windows.append(_passage(f"{domain.name}:{number}", text))
    return windows


def _item(
    number: int,
    case: _Case,
    world: World,
    windows: Sequence[Passage],
    rng: np.random.Generator,
    *,
    right_first: bool,
) -> SynthItem:
    entity = world.entities[case.entity]
    domain = world.domains[entity.domain]
    stated, process = domain.properties[case.stated], domain.processes[entity.process]
    question = domain.questions[int(rng.integers(len(domain.questions)))].format(entity=entity.name)
    qid = f"{number}:0"
    right = windows[case.entity]
    double = windows[_another(world, case.entity, rng, same_process=True)]
    other = windows[_another(world, case.entity, rng, same_process=False)]
    topics = [
        _passage(f"topic:{number}:{kind}", topic_window(kind, entity.name, stated, question, rng))
        for kind in range(N_TOPICS)
    ]
    pool = [right, double, other, *topics]
    pool = [pool[place] for place in rng.permutation(len(pool))]
    places = sorted((pool.index(right), pool.index(double)))
    pool[places[0]], pool[places[1]] = (right, double) if right_first else (double, right)
    return SynthItem(
        qid=qid,
        claim=_sentence(entity, stated),
        question=question,
        answers=[_capital(domain.answer.format(entity=entity.name, process=process.name))],
        passages=pool,
        label="Supported" if rule(process, stated) else "Refuted",
        entity=entity.name,
        process=process.name,
        property=stated.claim,
        relevant=[right.pid],
        domain=domain.name,
        split="test" if entity.test else "train",
    )


def _another(world: World, number: int, rng: np.random.Generator, *, same_process: bool) -> int:
    """Another entity of the same side: of the same process, or of another domain."""
    own = world.entities[number]
    fitting = [
        place
        for place, entity in enumerate(world.entities)
        if place != number
        and entity.test is own.test
        and (
            entity[:1] + entity[2:3] == own[:1] + own[2:3]
            if same_process
            else entity.domain != own.domain
        )
    ]
    return fitting[int(rng.integers(len(fitting)))]


def _sentence(entity: Entity, stated: Property) -> str:
    return _capital(f"{entity.name} {stated.claim}.")


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _passage(pid: str, text: str) -> Passage:
    return Passage(pid=pid, text=text, end=len(text.split()))
