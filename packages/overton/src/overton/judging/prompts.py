"""What a judge is asked: texts of people and models are quoted, never read as instructions."""

import re
from pathlib import Path

from tenpapers.generation.types import Message
from tenpapers.templates import fill

# Of a text that is quoted, in characters; what is longer is a model that runs on.
LONGEST = 64_000


def question(
    template: str,
    query: str,
    response: str,
    reference: str | None = None,
    *,
    folder: Path | None = None,
) -> tuple[Message, ...]:
    """The messages that ask a judge about one response, or about a pair.

    Parameters
    ----------
    template : stance, quality, missing, topics or summary.
    reference : the other response of a pair (`missing`; `topics`, where it is A).
    folder : the user's templates, see `tenpapers.templates.fill`.
    """
    text = fill(
        "overton",
        template,
        folder,
        query=query,
        response=response,
        reference=reference,
        quoted=quoted,
    )
    system = fill("overton", "judge_system", folder)
    return Message(role="system", content=system), Message(role="user", content=text)


def quoted(text: str) -> str:
    """A text between fences that are longer than any in it, cut at 64,000 characters."""
    text = text.strip()[:LONGEST]
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"
