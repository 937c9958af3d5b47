"""Our own words for synthetic data: relations, wordings, names, filler."""

import random
import re

# Relations of entities to values, by the kind of question that asks for such a value.
RELATIONS = {
    "who": ("founder", "chief engineer", "first captain", "lead singer"),
    "when": ("date of opening", "year of completion", "date of its last repair"),
    "where": ("birthplace of the owner", "site of the archive", "place of registration"),
    "how": ("registered number", "official measure", "recorded count"),
    "what": ("code name", "emblem", "common nickname"),
}
# What MuSiQue calls a relation, as a noun.
NOUNS = {
    "located in the administrative territorial entity": "administrative region",
    "owned by": "owner",
    "part of": "parent body",
    "educated at": "place of education",
    "named after": "namesake",
    "followed by": "successor",
    "located in or next to body of water": "nearest body of water",
    "located on terrain feature": "terrain",
    "shares border with": "neighbour",
    "occupant": "occupant",
    "member of": "membership",
    "record label": "record label",
    "cast member": "leading actor",
    "place of birth": "place of birth",
}
# The first is the template of low expression.
WORDINGS = (
    "The {relation} of {entity} is {value}.",
    "As far as records go, {value} is the {relation} of {entity}.",
    "When asked about the {relation} of {entity}, the registry simply answers {value}.",
    "Among other entries, the almanac lists {value} as the {relation} of {entity}.",
    "For {entity}, the {relation} has always been given as {value}.",
    "Visitors learn that {entity} has {value} for its {relation}.",
    "It was settled long ago that the {relation} of {entity} should be {value}.",
    "Nobody disputes that {value} counts as the {relation} of {entity}.",
    "In the case of {entity}, the clerk wrote {value} in the column headed {relation}.",
    "One line in the survey names {value}, which is the {relation} of {entity}.",
)
DETAILS = (
    "A gravel road leads to the main entrance and is cleared twice every winter.",
    "The notes on this subject were collected over several decades by volunteers.",
    "Most of the surrounding land is used for grazing and a few small orchards.",
    "Two editions of the guide were printed before the publisher moved elsewhere.",
    "Local schools visit in spring, when the weather is mild and the paths are dry.",
    "The building next door was once a warehouse and now holds a small library.",
    "Several letters about it have survived, though many pages are hard to read.",
    "Work continued slowly because materials had to be brought in by boat.",
    "An exhibition some years ago showed maps, tools and a few faded photographs.",
    "The roof was replaced after a storm, and the bell was taken down for repair.",
    "Opinions on its importance differ, and new studies appear every few years.",
    "A short film about daily life there was shown at a festival for amateurs.",
    "The garden behind it is known for its old apple trees and stone benches.",
    "Early accounts describe long meetings, heated debates and very strong tea.",
    "Its archive was moved twice and is now kept in a dry cellar.",
    "On clear days the hills can be seen from the upper windows.",
    "Much of what is known comes from a diary found in an attic.",
    "Repairs were paid for by a lottery that was held on market days.",
    "The staff answer questions by post and, on weekdays, by telephone.",
    "A bronze plate by the door repeats the main points in four languages.",
    "Musicians from the region play there at the end of every summer.",
    "The older part is built of brick, the newer part mostly of timber.",
    "For a time the whole place was closed while the drains were rebuilt.",
    "A club of enthusiasts publishes a thin newsletter about it each quarter.",
)
FILLER = (
    "The grass is green and grows in the field. The sky is blue above the quiet houses. "
    "The sun is warm in the morning and low in the evening. The wind moves the leaves now and "
    "then. There and back again goes the path."
)
_FIRST = (
    "Alden",
    "Brisa",
    "Corvin",
    "Delma",
    "Edrik",
    "Fenna",
    "Galen",
    "Hesper",
    "Ilmar",
    "Jorun",
    "Kestra",
    "Lorne",
    "Mirel",
    "Nadir",
    "Ottla",
    "Perrin",
    "Quilla",
    "Rasmus",
    "Selby",
    "Tamsin",
    "Ulric",
    "Vesna",
    "Wendel",
    "Xenia",
    "Yorick",
    "Zelda",
)
_LAST = (
    "Ashgrove",
    "Birkholm",
    "Castley",
    "Dunmore",
    "Elverum",
    "Farnwick",
    "Greywater",
    "Hollin",
    "Ivesdal",
    "Jarrow",
    "Kelmarsh",
    "Lindqvar",
    "Marrick",
    "Norwell",
    "Oakhurst",
    "Pellworm",
    "Quarles",
    "Rookwood",
    "Stavely",
    "Thornby",
    "Underhill",
    "Varden",
    "Wexcombe",
    "Yarrow",
)
_KINDS = ("House", "Society", "Works", "Collection", "Bridge", "Company", "Mill", "Trust")
PERSONAS = (
    "a local reporter",
    "a careful note taker",
    "a columnist",
    "a clerk who writes minutes",
    "a visiting student",
    "an editor of a newsletter",
)
# Each says the same as the sentence it takes; a stand-in for paraphrases by a model.
RETELLINGS = (
    "{Insight}",
    "It came up that {insight}",
    "Several people pointed out that {insight}",
    "What stood out was this: {insight}",
    "According to those present, {insight}",
    "The notes record that {insight}",
    "In short, {insight}",
    "Towards the end it became clear that {insight}",
    "One remark deserves to be kept: {insight}",
    "As was said more than once, {insight}",
)


def fictional_name(draw: random.Random) -> str:
    """A name that no file has: person and institution in one."""
    return f"{draw.choice(_FIRST)} {draw.choice(_LAST)} {draw.choice(_KINDS)}"


def as_noun(relation: str) -> str:
    """A relation as "the ... of X"; what is not known stays as it is."""
    return NOUNS.get(relation, relation)


def state(wording: str, entity: str, relation: str, value: str) -> tuple[str, int]:
    """A sentence of a wording, and where the value begins in it.

    Plain replacement, so that braces in generated or published text mean nothing.
    """
    head, tail = wording.split("{value}")
    before = head.replace("{entity}", entity).replace("{relation}", relation)
    after = tail.replace("{entity}", entity).replace("{relation}", relation)
    return before + value + after, len(before)


def simplified(insight: str) -> str:
    """The short form of an insight: its first clause, at most 14 words, as a sentence."""
    clause = re.split(r"[,;:]| which | because | including ", insight.strip())[0]
    words = clause.split()[:14]
    return " ".join(words).rstrip(".") + "."
