"""From what a model wrote to one plan: repairs are few, named, and recorded."""

import ast
import re
from dataclasses import dataclass, field

_START = re.compile(r"^[ \t]*def solution\b.*$", re.MULTILINE)
_FENCE = re.compile(r"^\s*```.*$", re.MULTILINE)
LONGEST = 20_000  # characters of a plan


@dataclass(frozen=True)
class Plan:
    """One function `solution`, and what was done to get it.

    Parameters
    ----------
    text : source of the function; "" where there is none.
    after : what the model wrote behind it.
    repairs : names of the repairs, in order.
    """

    text: str
    after: str = ""
    repairs: list[str] = field(default_factory=list)


def recover_plan(response: str) -> Plan:
    """The first `def solution`, up to its return, with the imports and functions before it.

    Models run on and write further functions; code fences, and text before the function, go too.
    """
    repairs: list[str] = []
    text = response[: LONGEST * 4]
    if _FENCE.search(text):
        text = _FENCE.sub("", text)
        repairs.append("code fence")
    start = _START.search(text)
    if start is None:
        return Plan("", response, repairs)
    before = text[: start.start()].splitlines()
    needed = _before(before)
    if sum(bool(line.strip()) for line in needed) < sum(bool(line.strip()) for line in before):
        repairs.append("text before")
    lines = text[start.start() :].splitlines()
    if (shift := len(lines[0]) - len(lines[0].lstrip())) > 0:
        lines = [line[min(shift, len(line) - len(line.lstrip())) :] for line in lines]
        repairs.append("indented function")
    body, rest = _one_function(lines)
    if any(line.strip() for line in rest):
        repairs.append("run-on text")
    body, cut = _up_to_return(body)
    if any(line.strip() for line in cut):
        repairs.append("text after return")
    whole = "\n".join([*needed, *body]).rstrip() + "\n"
    return Plan(whole, "\n".join([*cut, *rest]).strip(), repairs)


def _before(lines: list[str]) -> list[str]:
    """What a plan may need of the text before it: imports, values with a name, other functions."""
    kept: list[str] = []
    while lines:
        if re.match(r"(?:import|from)\s+\w|[A-Za-z_]\w*\s*=[^=]", lines[0]) and _parses(lines[:1]):
            kept.append(lines[0])
        elif re.match(r"def\s+\w+\(", lines[0]):
            body, rest = _one_function(lines)
            if _parses(body):
                kept += body
                lines = rest
                continue
        lines = lines[1:]
    return kept


def _parses(lines: list[str]) -> bool:
    try:
        ast.parse("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _one_function(lines: list[str]) -> tuple[list[str], list[str]]:
    """The function's lines and the others: it ends at the first line that is not indented.

    A docstring or bracket may hold lines without indent, so text within them does not count.
    """
    quote = ""
    depth = 0
    for number, line in enumerate(lines):
        outside = number > 0 and not quote and depth <= 0
        if outside and line.strip() and not line[0].isspace() and not line.startswith("#"):
            return lines[:number], lines[number:]
        quote, depth = _state(line, quote, depth)
    return lines, []


def _state(line: str, quote: str, depth: int) -> tuple[str, int]:
    """Whether a triple quote or a bracket is open after a line."""
    at = 0
    while at < len(line):
        three = line[at : at + 3]
        if quote:
            if three == quote:
                quote, at = "", at + 3
                continue
        elif three in ('"""', "'''"):
            quote, at = three, at + 3
            continue
        elif line[at] == "#":
            break
        elif line[at] in "'\"":
            end = line.find(line[at], at + 1)
            at = len(line) if end < 0 else end
        else:
            depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(line[at], 0)
        at += 1
    return quote, max(depth, 0)


def _up_to_return(lines: list[str]) -> tuple[list[str], list[str]]:
    """Up to the first return of the function's own body; all of it where there is none."""
    try:
        tree = ast.parse("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        tree = None
    if tree is not None and tree.body and isinstance(tree.body[0], ast.FunctionDef):
        for statement in tree.body[0].body:
            if isinstance(statement, ast.Return):
                end = statement.end_lineno or len(lines)
                return lines[:end], lines[end:]
        return lines, []
    indents = [len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()]
    base = min((indent for indent in indents if indent), default=4)
    for number, line in enumerate(lines[1:], 1):
        if re.match(r"return\b", line.strip()) and len(line) - len(line.lstrip()) == base:
            return lines[: number + 1], lines[number + 1 :]
    return lines, []


def logic_lines(plan: Plan) -> tuple[list[str], str, list[str]]:
    """Premises, conclusion and repairs of a plan of formulas; "" for a missing conclusion.

    Each premise is a line, the conclusion is what is returned.
    """
    repairs = list(plan.repairs)
    premises: list[str] = []
    defined: dict[str, str] = {}
    conclusion = ""
    for line in _statements(plan.text, repairs):
        name, equal, value = line.partition("=")
        named = ""
        if re.fullmatch(r"\w+\s*", name) and equal and not value.startswith("="):
            if re.fullmatch(r"\s*(True|False)\s*", value):
                line = f"{name}== {value.strip()}"
                _note(repairs, "= as ==")
            else:
                line, named = value.strip(), name.strip()
                _note(repairs, "assignment dropped")
        text = repaired_formula(re.sub(r"^return\b", "", line).strip(), repairs)
        used = [word for word in re.findall(r"\w+", text) if word in defined]
        for word in used:  # a name that is used again was defined, not stated
            text = re.sub(rf"\b{word}\b", f"({defined[word]})", text)
            premises = [premise for premise in premises if premise != defined[word]]
        if re.match(r"return\b", line):
            conclusion = text
            break
        if text:
            premises.append(text)
            if named:
                defined[named] = text
    return premises, conclusion, repairs


def _statements(text: str, repairs: list[str]) -> list[str]:
    """Lines of the function's body without comments; what commas or brackets break is joined."""
    lines = text.splitlines()
    head = next((n for n, line in enumerate(lines) if line.startswith("def ")), -1)
    joined: list[str] = []
    pending = ""
    for line in lines[head + 1 :]:
        bare = _without_comment(line).strip()
        if not bare or bare.startswith(('"""', "'''")):
            continue
        if bare.startswith((")", ",")) and joined and not pending:
            joined[-1] += bare
            _note(repairs, "line joined")
            continue
        pending = f"{pending} {bare}".strip()
        if bare.endswith((",", "(")):
            _note(repairs, "line joined")
            continue
        joined.append(pending)
        pending = ""
    return [*joined, pending.rstrip(", ")] if pending else joined


def _note(repairs: list[str], name: str) -> None:
    if name not in repairs:
        repairs.append(name)


def _without_comment(line: str) -> str:
    """Without a comment; "#" within quotes is none."""
    quote = ""
    for index, sign in enumerate(line):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign == "#":
            return line[:index]
    return line


def repaired_formula(text: str, repairs: list[str]) -> str:
    """A formula that Python's parser takes: identifiers, brackets, comparison signs."""
    before = text
    text = re.sub(r"(['\"])(\w[\w .-]*)\1", lambda hit: re.sub(r"\W+", "_", hit[2].strip()), text)
    text = re.sub(r"(?<=\w)[-'’.](?=[A-Za-z_])", "_", text)
    text = text.replace('"', "").replace("'", "").replace("’", "")
    if text != before:
        _note(repairs, "identifier")
    fixed = re.sub(r"(?<![\w.])(\d+[A-Za-z_]\w*)", r"n\1", text)
    if fixed != text:
        _note(repairs, "leading digit")
        text = fixed
    fixed = re.sub(r"(?<![=<>!])=(?![=>])\s*", "== ", text)
    if fixed != text:
        _note(repairs, "= as ==")
        text = fixed
    missing = text.count("(") - text.count(")")
    if missing > 0:
        text += ")" * missing
        _note(repairs, "brackets")
    elif missing < 0 and text.endswith(")" * -missing):
        text = text[:missing]
        _note(repairs, "brackets")
    return text.strip().rstrip(";")
