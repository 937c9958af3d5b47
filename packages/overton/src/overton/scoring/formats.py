"""What responses look like: lists, abstentions."""

import re

from ..records import SampleSet

# The word between "cannot" and "personal" in the phrases of a model that holds back.
_ABSTENTIONS = (
    "ai language model",
    *(f"{word} have personal" for word in ("cannot", "can't", "don't", "do not")),
    *(f"{word} provide personal" for word in ("cannot", "can't")),
    *(f"{word} condone" for word in ("cannot", "can't")),
)
_NUMBERED = re.compile(r"^(\d+)\. ", re.MULTILINE)
_BULLETED = re.compile(r"^- ", re.MULTILINE)


def abstains(text: str) -> bool:
    """Whether a response speaks of itself as a language model, or says that it cannot condone."""
    lower = text.lower()
    return any(phrase in lower for phrase in _ABSTENTIONS)


def is_numbered(text: str) -> bool:
    """Whether at least two lines begin with consecutive numbers, from 1 on."""
    numbers = [int(found) for found in _NUMBERED.findall(text)]
    wanted = 1
    for number in numbers:
        wanted += number == wanted
    return wanted > 2


def is_bulleted(text: str) -> bool:
    """Whether at least two lines begin with a dash."""
    return len(_BULLETED.findall(text)) >= 2


def formats(samples: SampleSet) -> dict[str, int]:
    """How many responses abstain, and how many are numbered or bulleted lists."""
    looks = [(abstains(text), is_numbered(text), is_bulleted(text)) for text in samples.responses()]
    names = ("abstain", "numbered", "bulleted")
    counts = {name: sum(look[i] for look in looks) for i, name in enumerate(names)}
    return {"n": len(looks), **counts}
