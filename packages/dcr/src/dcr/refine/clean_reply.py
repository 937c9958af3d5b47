"""What stands around a refinement in a model's reply is no part of it."""

import re
from typing import NamedTuple

from ..critique.fences import unfenced
from ..critique.written_form import NO_ERROR, without_end_of_turn

# A line that ends with a colon and introduces what follows is no longer than this, in characters.
INTRODUCTION = 200
_OPENER = re.compile(
    r"\A[*_#\s]*(?:(?:sure|certainly|of course|okay|ok)\b[,!.]|here(?:['’]s| is| are)\b|below is\b"
    r"|(?:the |my )?(?:edited|revised|refined|corrected|final) (?:response|summary|answer|text)\b)"
    r"[^\n:]{0,150}:[*_]{0,3}\s+(?=\S)",
    re.IGNORECASE,
)
# Where a model begins to tell what it has done.
_CHANGES = re.compile(
    r"^[^\w\n]*(?:(?:the )?changes (?:i )?made\b|(?:the )?refinements? made\b"
    r"|i (?:have )?made\b[^\n]*\bchanges?\b[^\n]*\bto the (?:summary|response|text|answer)\b"
    r"|feedback\b[^\n]*:[*_\s]*$)",
    re.IGNORECASE | re.MULTILINE,
)


class Cleaned(NamedTuple):
    """A refinement, and whether anything was cut off around it."""

    text: str
    fired: bool


def clean_reply(reply: str, response: str) -> Cleaned:
    """Cut off what stands around a refinement (DCR, post-processing of the paper's code).

    That is one leading line that ends with a colon, a list of changes behind it, a code fence and
    tokens that end a turn. What the response itself has stays. A reply that says "no error" where
    a text was wanted means the response as it is.
    """
    plain = without_end_of_turn(reply).strip()
    text = unfenced(plain).strip()
    first, newline, rest = text.partition("\n")
    if (opener := _OPENER.match(text)) and opener[0].strip() not in response:
        text = text[opener.end() :]
    elif newline and rest.strip() and _introduces(first) and not _has_heading(response):
        text = rest.strip()
    told = next((m for m in _CHANGES.finditer(text) if m[0].strip() not in response), None)
    if told and text[: told.start()].strip():
        text = text[: told.start()].strip()
    text = unfenced(text).strip()
    if NO_ERROR in text.lower() and NO_ERROR not in response.lower():
        text = response
    return Cleaned(text, text != reply.strip())


def _introduces(line: str) -> bool:
    return len(line) <= INTRODUCTION and line.rstrip(" *_").endswith(":")


def _has_heading(response: str) -> bool:
    """Whether the response begins with such a line itself, as "Key points:" above a list."""
    first, newline, _ = response.strip().partition("\n")
    return bool(newline) and _introduces(first)
