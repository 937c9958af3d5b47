"""Windows of text: how an entity came about, or what is said about it without saying that."""

import numpy as np

from ..scoring.token_recall import content_words
from .world import Domain, Process, Property

SHORTEST, LONGEST = 60, 150  # words

_PLACES = ("Aldersea", "Brockholm", "Castelnero", "Dunmarrow", "Esterhaven", "Fjordby", "Grauental")
_PEOPLE = (
    "Ada Lindqvist",
    "Bruno Pasquali",
    "Carla Mendes",
    "Dov Rosen",
    "Ewa Kaminska",
    "Finn Moe",
)
_MONTHS = ("January", "March", "May", "August", "October", "December")
_YEARS = tuple(str(year) for year in range(1961, 2020, 3))

_OPENINGS = (
    "As papers from {place} show, {entity} arose through {process}.",
    "An account from {place}, dated {year}, traces {entity} back to {process}.",
    "Behind {entity} stands {process}, according to a note of {year}.",
    "{entity} owes its existence to {process}, says {person} in a talk held in {place}.",
)
_MENTIONS = (
    "{person}, who was present from the start, calls {process} the heart of the matter.",
    "For {person}, {process} was the one choice that lay open in {year}.",
    "What {person} remembers best is {process}, and the talk about it at supper.",
)
_FILLERS = (
    "The weather in {month} was mild, and the notes mention it twice.",
    "A photograph of {month} shows six figures in front of a plain wall.",
    "{person} wrote all of this into a small green book.",
    "The book lies in the archive of {place} today, in a box with a blue ribbon.",
    "A visitor from {place} asked for a copy and received one by post.",
    "Two pages are missing, but they concern the lunch.",
    "A paper from {place} printed a short note about it in {month} {year}.",
)
# Debate, denial, announcement: they say the claim's words and the question's, and answer nothing.
_TOPICS = (
    (
        "Whether {entity} {claim} has been argued about in {place} since {month}.",
        "{person} insists that {entity} {claim}, and says so on every occasion.",
        '"{question}" asked a caller on the radio, and nobody in the studio could tell.',
        "Others reply that the dispute over {entity} is a matter of opinion.",
        "A panel on the theme, {entity} and the rumour that it {claim}, ended without a result.",
        "Both camps want to meet again in {month}.",
        "Letters to the editor about {entity} filled two pages.",
    ),
    (
        "A spokesman denied that {entity} {claim}.",
        '"Nobody has ever shown that {entity} {claim}," said {person} in {place}.',
        'To the question "{question}" he had no reply and pointed to a later date.',
        "The denial was repeated in {month}, word for word.",
        "Posts which say that {entity} {claim} were shared some nine thousand times.",
        "{person} called the whole story about {entity} tiresome.",
        "The statement fills half a page and names no source.",
    ),
    (
        "In {month} an association in {place} announced a campaign about {entity}.",
        "Its slogan says that {entity} {claim}, in red letters on white ground.",
        '"{question}" is the title of an evening with {person}, tickets at the door.',
        "Leaflets on why {entity} {claim} are to reach each household by {month}.",
        "{person} expects more than three hundred guests and has ordered chairs.",
        "A petition on {entity} lies on a table in the hall.",
        "The association was founded in {year} and has a brass band of its own.",
    ),
)
N_TOPICS = len(_TOPICS)
# Sentences of a window about a process: an opening, a mention, three details, so many fillers.
_N_FILLERS = 3


def process_window(entity: str, process: Process, rng: np.random.Generator) -> str:
    """A window that tells how an entity came about; it names the process twice."""
    opening = _filled(_one(_OPENINGS, rng), rng, entity=entity, process=process.name)
    mention = _filled(_one(_MENTIONS, rng), rng, entity=entity, process=process.name)
    details = [_filled(detail, rng, entity=entity) for detail in process.details]
    fillers = [_FILLERS[place] for place in rng.permutation(len(_FILLERS))[:_N_FILLERS]]
    rest = [*(_filled(filler, rng) for filler in fillers[1:]), mention]
    rest = [rest[place] for place in rng.permutation(len(rest))]
    return " ".join([opening, *details, _filled(fillers[0], rng), *rest])


def topic_window(
    kind: int, entity: str, stated: Property, question: str, rng: np.random.Generator
) -> str:
    """A window about a claim that says nothing of how the entity came about.

    Parameters
    ----------
    kind : 0 debate, 1 denial, 2 announcement.
    """
    frames = _TOPICS[kind]
    order = [0, *(1 + rng.permutation(len(frames) - 1))]
    return " ".join(
        _filled(frames[place], rng, entity=entity, claim=stated.claim, question=question)
        for place in order
    )


def violation(text: str, entity: str, process: Process, domain: Domain) -> str:
    """What a window about a process says that it must not, or lacks; "" where it is fit."""
    words = content_words(text)
    for stated in domain.properties:
        if said := words & stated.words:
            return f"says {min(said)!r} of {stated.claim!r}"
    for needed in (entity, process.name):
        if needed.lower() not in text.lower():
            return f"lacks {needed!r}"
    if not SHORTEST <= len(text.split()) <= LONGEST:
        return f"has {len(text.split())} words"
    return ""


def topic_violation(text: str, entity: str, stated: Property, domain: Domain) -> str:
    """What a window about a claim says that it must not, or lacks; "" where it is fit."""
    if entity.lower() not in text.lower():
        return f"lacks {entity!r}"
    if not content_words(text) & stated.words:
        return f"lacks {stated.claim!r}"
    for process in domain.processes:
        if process.name.lower() in text.lower():
            return f"says {process.name!r}"
    if not SHORTEST <= len(text.split()) <= LONGEST:
        return f"has {len(text.split())} words"
    return ""


def _one(choices: tuple[str, ...], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]


def _filled(frame: str, rng: np.random.Generator, **values: str) -> str:
    """A frame with its names, a capital at its beginning."""
    text = frame.format(
        place=_one(_PLACES, rng),
        person=_one(_PEOPLE, rng),
        month=_one(_MONTHS, rng),
        year=_one(_YEARS, rng),
        **values,
    )
    return text[0].upper() + text[1:]
