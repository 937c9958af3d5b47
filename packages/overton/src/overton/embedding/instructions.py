"""Encoders that are told what is to be alike, and what they are told."""

from collections.abc import Sequence
from typing import Literal

from .last_token import SHORT_NAMES
from .vectors import MAX_TOKENS

Alike = Literal["prompt", "response", "format"]
# Tokens that such an encoder reads of a text.
_LONGEST = 4096
_TASKS: dict[Alike, str] = {
    "prompt": "Given a question of a user, find other questions that ask for something similar",
    "response": "Given an answer, find other answers that say something similar",
    "format": "Given an answer, find other answers that are formatted in a similar way",
}


def follows_instructions(encoder: str) -> bool:
    """Whether an encoder can be told what is to be alike: its name says so."""
    return "instruct" in SHORT_NAMES.get(encoder, encoder).lower()


def instructed(encoder: str, texts: Sequence[str], alike: Alike) -> tuple[str, list[str], int]:
    """The encoder's whole name, the texts as it wants them, and the tokens that it reads of each.

    An encoder without instructions gets the texts alone.
    """
    if not follows_instructions(encoder):
        return encoder, list(texts), MAX_TOKENS
    shown = [f"Instruct: {_TASKS[alike]}\nQuery: {text}" for text in texts]
    return SHORT_NAMES.get(encoder, encoder), shown, _LONGEST
