"""From responses to JSON objects, lists and code."""

import ast
import json
import re
from typing import Any

from ..sampling.extract_code import extract_code
from .stored_model import Unfit

ANSWER, ASSERT = "# @ANSWER@", "# @ASSERT@"


def _json(text: str) -> Any:
    try:
        return json.loads(extract_code(text) or text)
    except json.JSONDecodeError as error:
        raise Unfit(f"not JSON: {error.msg}") from None
    except RecursionError:
        raise Unfit("not JSON: too deep") from None


def read_object(text: str, keys: tuple[str, ...]) -> dict[str, str]:
    """Read a JSON object of strings with all of `keys`, plain or in a fenced block.

    Raises
    ------
    Unfit : anything else.
    """
    value = _json(text)
    if not isinstance(value, dict):
        raise Unfit("not a JSON object")
    for key in keys:
        if not isinstance(value.get(key), str) or not value[key].strip():
            raise Unfit(f"no text under {key!r}")
    return {key: value[key] for key in keys}


def read_skeletons(text: str) -> list[str]:
    """Read a JSON list of test functions, each with at most one of each marker.

    Raises
    ------
    Unfit : not such a list, or no usable test in it.
    """
    value = _json(text)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Unfit("not a JSON list of strings")
    if any(item.count(ANSWER) > 1 or item.count(ASSERT) > 1 for item in value):
        raise Unfit("a marker occurs twice in a test")
    kept: dict[str, str] = {}
    for item in value:
        name = test_function(item)
        if name:
            kept.setdefault(name, item)
    if not kept:
        raise Unfit("no function without arguments among the tests")
    return list(kept.values())


def test_function(text: str) -> str:
    """Name of a text that is exactly one function without arguments; "" for anything else.

    A skeleton may consist of comments after its set-up only, which is no body yet.
    """
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    if len(body) != 1 or not isinstance(body[0], ast.FunctionDef):
        return ""
    arguments = body[0].args
    if arguments.args or arguments.kwonlyargs or arguments.vararg or arguments.kwarg:
        return ""
    return body[0].name


def read_code(text: str, path: str = "", old: str = "") -> str:
    """Take the first fenced block, without its indentation, as Python that parses.

    Parameters
    ----------
    path, old : every call of the old function by its path is written by its kept name.

    Raises
    ------
    Unfit : no block, or it does not parse.
    """
    code = extract_code(text).rstrip()
    if not code:
        raise Unfit("no fenced block, or an empty one")
    try:
        ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Unfit(f"does not parse: {error}") from None
    if path:
        code = re.sub(rf"(?<![\w.]){re.escape(path)}(?=\s*\()", old, code)
    return code


def substitute(test: str, marker: str, code: str) -> str:
    """Put code in the place of a marker line, indented by four blanks."""
    block = "\n".join(f"    {line}" if line else line for line in code.split("\n"))
    return re.sub(rf"^[ \t]*{re.escape(marker)}[^\n]*$", lambda _: block, test, flags=re.MULTILINE)
