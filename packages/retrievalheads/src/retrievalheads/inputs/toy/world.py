"""Facts about entities, said in several wordings, among filler; every word is one token.

`Real` text has three wordings a relation and filler from a Markov chain. The synthetic variants of
the study replace the wordings by one template, the filler by one repeated block, or both, or
everything by keys and values.
"""

import random
from dataclasses import dataclass
from functools import cache

ENTITIES = (
    "ada",
    "bo",
    "cy",
    "dee",
    "eli",
    "fay",
    "gus",
    "hal",
    "ida",
    "jo",
    "kit",
    "lou",
    "max",
    "ned",
    "oz",
    "pam",
)
VALUES = (
    "amber",
    "basil",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "haven",
    "inlet",
    "jade",
    "karst",
    "lotus",
    "mesa",
    "north",
    "opal",
    "pine",
)
RELATIONS = ("home", "guild", "tutor", "crest")
# {e} entity, {v} value; the words between are the relation's own. The first is the template.
WORDINGS = {
    "home": ("{e} dwells {v}", "{e} has house {v}", "{e} keeps rooms near {v}"),
    "guild": ("{e} serves {v}", "{e} took oath {v}", "{e} pays dues unto {v}"),
    "tutor": ("{e} follows {v}", "{e} was taught {v}", "{e} learned letters from {v}"),
    "crest": ("{e} wears {v}", "{e} bears sign {v}", "{e} paints shields with {v}"),
}
KEYS = tuple(f"k{i}" for i in range(16))
NUMBERS = tuple(f"n{i}" for i in range(16))
FILLER = (
    "rain",
    "falls",
    "over",
    "green",
    "hill",
    "while",
    "two",
    "birds",
    "sing",
    "low",
    "and",
    "slow",
    "then",
    "wind",
    "turns",
    "warm",
    "grass",
    "bends",
    "under",
    "light",
    "dust",
    "river",
    "moves",
    "past",
    "stone",
    "bridge",
    "toward",
    "quiet",
    "sea",
    "again",
)
SPECIAL = ("<pad>", "<unk>")
MARKS = (".", "?", ":")
BLOCK = (
    "grass bends green",
    "rain falls low",
    "wind turns warm again",
    "birds sing over hill",
    "river moves slow",
)


@cache
def vocabulary() -> tuple[str, ...]:
    """Every word once, in a fixed order."""
    words = [word for forms in WORDINGS.values() for form in forms for word in form.split()]
    wording = [word for word in words if not word.startswith("{")]
    every = (*SPECIAL, *MARKS, *ENTITIES, *VALUES, *RELATIONS, *wording, *KEYS, *NUMBERS, *FILLER)
    return tuple(dict.fromkeys(every))


@dataclass(frozen=True)
class ToyFact:
    """One fact: who, which relation, what; for symbols the relation is ``key``."""

    entity: str
    relation: str
    value: str

    def sentence(self, wording: int) -> str:
        """Say it in one of the wordings."""
        if self.relation == "key":
            return f"{self.entity} {self.value}"
        return WORDINGS[self.relation][wording].format(e=self.entity, v=self.value)

    def query(self) -> str:
        """Ask for it; the entity comes last, so that the value is the next word."""
        return f"{self.relation} {self.entity}" if self.relation != "key" else self.entity


def draw_facts(draw: random.Random, count: int, *, symbolic: bool = False) -> list[ToyFact]:
    """Facts with different entities and different values."""
    keys, values = (KEYS, NUMBERS) if symbolic else (ENTITIES, VALUES)
    chosen = zip(draw.sample(keys, count), draw.sample(values, count), strict=True)
    relation = [("key" if symbolic else draw.choice(RELATIONS)) for _ in range(count)]
    return [ToyFact(e, r, v) for (e, v), r in zip(chosen, relation, strict=True)]


@cache
def _chain() -> dict[str, tuple[str, ...]]:
    """Which words may follow which: four successors each, fixed once for all."""
    draw = random.Random("filler")
    return {word: tuple(draw.sample(FILLER, 4)) for word in FILLER}


def filler_sentence(draw: random.Random) -> str:
    """Three to six words from the Markov chain."""
    words = [draw.choice(FILLER)]
    for _ in range(draw.randint(2, 5)):
        words.append(draw.choice(_chain()[words[-1]]))
    return " ".join(words)
