"""Small cleanings of published texts."""

import html
import re

_TAG = re.compile(r"<[^<>]*>")
_NUMBERED = re.compile(r"(?<!\d)([1-9]\.)(?=\S)(?!\d)")


def product_text(title: str, description: list[str] | str) -> str:
    """Title and description lines of a product: no HTML, "1.Foo" as "1. Foo", single blanks."""
    lines = [description] if isinstance(description, str) else description
    joined = " ".join([title, *lines])
    plain = _TAG.sub(" ", html.unescape(_TAG.sub(" ", joined)))
    return one_line(_NUMBERED.sub(r"\1 ", plain))


def one_line(text: str) -> str:
    """Any white space as one blank."""
    return " ".join(text.split())
