"""The made-up world of the synthetic set: domains, processes, properties, and what follows."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import product
from typing import NamedTuple

import numpy as np

from ..scoring.token_recall import content_words


class Property(NamedTuple):
    """What a claim says of an entity; it holds of what went through a process with its tag."""

    claim: str
    tag: str

    @property
    def words(self) -> frozenset[str]:
        """Words that must not stand in a window that answers."""
        return frozenset(content_words(self.claim))


class Process(NamedTuple):
    """How an entity came about, and three sentences that tell of it."""

    name: str
    tags: frozenset[str]
    details: tuple[str, ...]


@dataclass(frozen=True)
class Domain:
    """A field with its entities, processes and properties.

    Parameters
    ----------
    entities : names as they stand within a sentence.
    questions, answer : with `{entity}`, and `{process}`.
    """

    name: str
    entities: tuple[str, ...]
    questions: tuple[str, ...]
    answer: str
    properties: tuple[Property, ...]
    processes: tuple[Process, ...]


class Entity(NamedTuple):
    """An entity with the process that the seeded world gave it, and its side of the split."""

    domain: int
    name: str
    process: int
    test: bool


@dataclass(frozen=True)
class World:
    """What is the case under a seed.

    Parameters
    ----------
    test_pairs : of each domain, which (process, property) belong to the test side.
    """

    domains: tuple[Domain, ...]
    entities: tuple[Entity, ...]
    test_pairs: tuple[frozenset[tuple[int, int]], ...]


def rule(process: Process, stated: Property) -> bool:
    """Whether a property holds of what went through a process."""
    return stated.tag in process.tags


def make_world(rng: np.random.Generator, *, test_share: float = 1 / 3) -> World:
    """Give every entity a process, and split entities and (process, property) pairs.

    Train and test share no entity and no pair of a process and a property.

    Parameters
    ----------
    test_share : of the entities, and of the pairs, on the test side.
    """
    domains = load_domains()
    entities: list[Entity] = []
    pairs: list[frozenset[tuple[int, int]]] = []
    for number, domain in enumerate(domains):
        names = [domain.entities[place] for place in rng.permutation(len(domain.entities))]
        first_of_test = round((1 - test_share) * len(names))
        entities += [
            Entity(number, name, place % len(domain.processes), place >= first_of_test)
            for place, name in enumerate(names)
        ]
        pairs.append(_test_pairs(domain, test_share, rng))
    return World(domains, tuple(entities), tuple(pairs))


def _test_pairs(
    domain: Domain, share: float, rng: np.random.Generator
) -> frozenset[tuple[int, int]]:
    """A share of the pairs that hold, and of those that do not."""
    every = list(product(range(len(domain.processes)), range(len(domain.properties))))
    chosen: set[tuple[int, int]] = set()
    for holds in (True, False):
        own = [
            pair
            for pair in every
            if rule(domain.processes[pair[0]], domain.properties[pair[1]]) is holds
        ]
        places = rng.permutation(len(own))[: round(share * len(own))]
        chosen |= {own[place] for place in places}
    return frozenset(chosen)


@cache
def load_domains() -> tuple[Domain, ...]:
    """The domains that the package ships."""
    import yaml

    text = files("cfr").joinpath("data/synthetic_world.yaml").read_text(encoding="utf-8")
    return tuple(_domain(name, given) for name, given in yaml.safe_load(text).items())


def _domain(name: str, given: dict[str, Sequence]) -> Domain:  # type: ignore[type-arg]
    return Domain(
        name=name,
        entities=tuple(
            str(given["entity"]).format(name=first + second)
            for first, second in product(given["first"], given["second"])
        ),
        questions=tuple(given["question"]),
        answer=str(given["answer"]),
        properties=tuple(Property(**one) for one in given["properties"]),
        processes=tuple(
            Process(one["name"], frozenset(one["tags"]), tuple(one["details"]))
            for one in given["processes"]
        ),
    )
