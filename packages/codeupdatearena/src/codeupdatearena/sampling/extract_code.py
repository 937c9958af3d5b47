"""From a model's text to its code."""

import re

_TAGS = re.compile(r"\[PYTHON\](.*?)\[/PYTHON\]", re.DOTALL)
_FENCE = re.compile(r"```[ \t]*(?:[\w+-]*[ \t]*\n)?(.*?)```", re.DOTALL)
_OPEN = re.compile(r"(?:\[PYTHON\]|```[ \t]*[\w+-]*[ \t]*\n)(.*)", re.DOTALL)


def extract_code(text: str, strict: bool = True) -> str:
    """Take the code out of a response.

    The first `[PYTHON]...[/PYTHON]` wins, else the first triple-backtick block, else nothing.

    Parameters
    ----------
    strict : an unclosed block gives nothing (the paper's way); False accepts it, which is another
        setting and must be reported as such.

    Returns
    -------
    The code, or "" where there is none.
    """
    found = _TAGS.search(text) or _FENCE.search(text)
    if found is None and not strict:
        found = _OPEN.search(text)
    return found.group(1).strip("\n") if found else ""
