"""Texts of others in a prompt: fenced, so that none can end its own quotation."""

import re
from pathlib import Path
from typing import Any

from tenpapers.generation.types import Message
from tenpapers.templates import fill_section


def quoted(text: str) -> str:
    """A text between fences that are longer than any in it.

    It stays whole: what is too long for a model is cut by a policy with a name, never here.
    """
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text.strip()}\n{fence}"


def unfenced(text: str) -> str:
    """A reply without the fence that some models put around all of it."""
    found = re.fullmatch(r"\s*(`{3,})[^\n`]*\n(.*?)\n?\1\s*", text, re.DOTALL)
    return found[2] if found else text


def messages(
    template: str, folder: Path | None = None, *, section: str = "user", **values: object
) -> tuple[Message, ...]:
    """The messages of a template file: what the system is told, and what is asked.

    Parameters
    ----------
    section : of the file, with what is asked.
    folder : the user's templates, see `tenpapers.templates.fill`; one without `system` has none.
    """
    given: dict[str, Any] = {"quoted": quoted, **values}
    system = fill_section("dcr", template, "system", folder, default="", **given)
    user = fill_section("dcr", template, section, folder, **given)
    told = (Message(role="system", content=system),) if system else ()
    return (*told, Message(role="user", content=user))
