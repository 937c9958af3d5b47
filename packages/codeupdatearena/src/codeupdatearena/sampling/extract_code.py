"""From a model's text to its code."""

import re
from textwrap import dedent

from tenpapers.generation.answers import split_thought

_TAGS = re.compile(r"\[PYTHON\](.*?)\[/PYTHON\]", re.DOTALL)
_FENCE = re.compile(r"```[ \t]*(?:[\w+-]*[ \t]*\n)?(.*?)```", re.DOTALL)
_OPEN = re.compile(r"(?:\[PYTHON\]|```[ \t]*[\w+-]*[ \t]*\n)(.*)", re.DOTALL)
# A fence on lines of its own, whatever is said of the language; fences inside a line end none.
_BLOCK = re.compile(r"^[ \t]*(```+|~~~+)[^`\n]*\n(.*?)^[ \t]*\1", re.DOTALL | re.MULTILINE)


def extract_code(text: str, strict: bool = True, *, official: bool = False) -> str:
    """Take the code out of a response.

    The first `[PYTHON]...[/PYTHON]` wins, else the first block between fences, else nothing. What
    was thought before the answer is not looked at; a fence inside the tags, and what a list
    indents a block by, are taken away.

    Parameters
    ----------
    strict : an unclosed block gives nothing (the paper's way); False accepts it, which is another
        setting and must be reported as such.
    official : the paper's way to the letter, in the whole text: a draft in a thought is taken, and
        what stands between tags or fences stays as it is.

    Returns
    -------
    The code, or "" where there is none.
    """
    text = "\n".join(text.splitlines()) if "\r" in text else text
    if official:
        found = _TAGS.search(text) or _FENCE.search(text)
        if found is None and not strict:
            found = _OPEN.search(text)
        return found[1].strip("\n") if found else ""
    visible = split_thought(text).text
    tagged = _TAGS.search(visible)
    code = _fenced(tagged[1]) or tagged[1] if tagged else _fenced(visible)
    if not code and not strict and (opened := _OPEN.search(visible)):
        code = opened[1]
    return dedent(code).strip("\n")


def _fenced(text: str) -> str:
    """The first block between fences; "" for none."""
    block, fence = _BLOCK.search(text), _FENCE.search(text)
    if block and not (fence and fence.start() < block.start()):
        return block[2]
    return fence[1] if fence else ""
