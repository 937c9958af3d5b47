"""Texts of others in a prompt: fenced, so that none can end its own quotation."""

import hashlib
import re
from collections.abc import Sequence

from tenpapers.generation.types import Message

# Of a text that is quoted, in characters; what is longer is no window.
LONGEST = 32_000


def quoted(text: str) -> str:
    """A text between fences that are longer than any in it, cut at 32,000 characters."""
    text = text.strip()[:LONGEST]
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"


def prompt_digest(messages: Sequence[Message]) -> str:
    """Hash of what a model was asked, for the rows of its answers: 16 hexadecimal digits."""
    text = "\0".join(f"{message.role}\n{message.content}" for message in messages)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
