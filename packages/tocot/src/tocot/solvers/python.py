"""Python plans: a list of what they may contain, and the sandbox for what is left."""

import ast
import builtins
import json
import math
import secrets
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple

from tenpapers.errors import first_line
from tenpapers.sandbox import KERNEL_BARRIERS, Barrier, Limits, Program, SandboxPool, Verdict

TIMEOUT = 1.0
MEMORY_GB = 0.5
MODULES = ("math", "fractions", "datetime", "itertools", "decimal", "statistics")
_NAMES = """
abs all any bin bool ceil chr complex dict divmod enumerate filter float floor format frozenset
int isinstance len list map max min ord pow print range repr reversed round set slice sorted str
sum tuple zip ArithmeticError Exception IndexError KeyError ValueError ZeroDivisionError
True False None
"""
BUILTINS = frozenset(_NAMES.split())
NODES: tuple[type[ast.AST], ...] = (
    ast.Module,
    ast.FunctionDef,
    ast.arguments,
    ast.arg,
    ast.Return,
    ast.Assign,
    ast.AugAssign,
    ast.AnnAssign,
    ast.Expr,
    ast.Pass,
    ast.Break,
    ast.Continue,
    ast.If,
    ast.For,
    ast.While,
    ast.IfExp,
    ast.BinOp,
    ast.UnaryOp,
    ast.BoolOp,
    ast.Compare,
    ast.Call,
    ast.keyword,
    ast.Constant,
    ast.Name,
    ast.Attribute,
    ast.Subscript,
    ast.Slice,
    ast.List,
    ast.Tuple,
    ast.Dict,
    ast.Set,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
    ast.comprehension,
    ast.Lambda,
    ast.JoinedStr,
    ast.FormattedValue,
    ast.Starred,
    ast.Import,
    ast.ImportFrom,
    ast.alias,
    ast.expr_context,
    ast.operator,
    ast.unaryop,
    ast.boolop,
    ast.cmpop,
    ast.Assert,
    ast.Raise,
    ast.Try,
    ast.ExceptHandler,
)


class SolverResult(NamedTuple):
    """What became of a plan.

    Parameters
    ----------
    status : "ok", "error", "timeout" or "refused" (it holds what no plan needs, and was not run).
    value : a number, or "True", "False", "N/A", "Unknown".
    error : why there is no value.
    """

    status: str
    value: float | int | str | None = None
    error: str = ""


def refusal(plan: str) -> str:
    """Why a plan is not run; "" for one that may be.

    Only arithmetic, loops, containers, and calls of a fixed list of functions are allowed.
    """
    try:
        tree = ast.parse(plan)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"not Python: {first_line(error)}"
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    for node in ast.walk(tree):
        if not isinstance(node, NODES):
            return f"{type(node).__name__} is not allowed"
        if isinstance(node, ast.Attribute) and node.attr not in attributes():
            return f"attribute {node.attr} is not allowed"
        if isinstance(node, ast.Name) and not _may_name(node.id):
            return f"name {node.id} is not allowed"
        for name in _imported(node):
            if name not in MODULES:
                return f"import of {name} is not allowed"
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if alias.name not in public_names(node.module or ""):
                    return f"import of {node.module}.{alias.name} is not allowed"
    if "solution" not in own:
        return "no function solution"
    return ""


@cache
def public_names(module: str) -> frozenset[str]:
    """What a module of the list offers; the modules that it imports itself are none of it."""
    found = import_module(module)
    names = getattr(found, "__all__", None) or [name for name in dir(found) if name[0] != "_"]
    return frozenset(n for n in names if not isinstance(getattr(found, n), ModuleType))


@cache
def attributes() -> frozenset[str]:
    """Attributes that a plan may ask for: methods of numbers, texts, containers and dates.

    `str.format` reaches into whatever it is given, and frames are attributes of a generator.
    """
    builtin = (int, float, complex, str, list, tuple, dict, set, frozenset, range, slice)
    imported = (Fraction, Decimal, date, datetime, time, timedelta, timezone)
    methods = {name for kind in (*builtin, *imported) for name in dir(kind) if name[0] != "_"}
    offered = {name for module in MODULES for name in public_names(module)}
    return frozenset(methods - {"format", "format_map"} | offered)


def _may_name(name: str) -> bool:
    """Whether a plan may hold a name: not if it is a builtin that is not on the list."""
    return not name.startswith("__") and (name in BUILTINS or not hasattr(builtins, name))


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


_REPORT = """
import json as _json
_value = solution()
_kind = type(_value).__name__
if _kind in ("Fraction", "Decimal"):
    _value = float(_value)
    _kind = "float"
print()
print({nonce!r} + _json.dumps([_kind, repr(_value) if _kind in ("int", "float") else None]))
"""


def solve_python_all(
    plans: Sequence[str],
    timeout: float = TIMEOUT,
    *,
    workers: int | None = None,
    barriers: Sequence[Barrier] = KERNEL_BARRIERS,
    told: dict[str, Any] | None = None,
) -> list[SolverResult]:
    """Run plans in the sandbox; results in their order.

    Each has a process of its own without network, files or environment, `timeout` CPU seconds and
    512 MiB; a result is a finite real number.

    Parameters
    ----------
    barriers : of the sandbox, in the order in which they are tried.
    told : gets the sandbox's `summary`.

    Raises
    ------
    UserError : the sandbox cannot be had on this system; a timeout that is none.
    InfrastructureError : it gave no verdict on some.
    """
    results: dict[int, SolverResult] = {}
    nonce = secrets.token_hex(8)
    programs = []
    for number, plan in enumerate(plans):
        reason = refusal(plan)
        if reason:
            parsed = not reason.startswith(("not Python", "no function"))
            results[number] = SolverResult("refused" if parsed else "error", None, reason)
            continue
        case = _REPORT.format(nonce=nonce)
        programs.append(Program(str(number), (("plan", plan),), (case,), capture=True))
    limits = Limits(timeout=timeout, memory_gb=MEMORY_GB)
    if programs:
        with SandboxPool(workers=workers, limits=limits, barriers=barriers) as pool:
            for verdict in pool.run(programs):
                results[int(verdict.key)] = _result(verdict, nonce)
            if told is not None:
                told.update(pool.summary())
    return [results[number] for number in range(len(plans))]


def solve_python(plan: str, timeout: float = TIMEOUT) -> SolverResult:
    """Run one plan, see `solve_python_all`."""
    return solve_python_all([plan], timeout, workers=1)[0]


def _result(verdict: Verdict, nonce: str) -> SolverResult:
    status = verdict.statuses[0] if verdict.statuses else "crash"
    if status != "passed":
        kind = "timeout" if status == "timeout" else "error"
        return SolverResult(kind, None, verdict.failure)
    for line in _reports(verdict.output, nonce):
        kind, text = line
        if kind not in ("int", "float") or text is None:
            return SolverResult("error", None, f"bad_type: {kind}")
        return _number(kind, text)
    return SolverResult("error", None, "no result came back")


def _reports(output: str, nonce: str) -> Iterator[tuple[str, str | None]]:
    for line in reversed(output.splitlines()):
        if line.startswith(nonce):
            try:
                kind, text = json.loads(line[len(nonce) :])
            except ValueError:
                continue
            yield kind, text


def _number(kind: str, text: str) -> SolverResult:
    try:
        value: int | float = int(text) if kind == "int" else float(text)
        if not math.isfinite(float(value)):
            return SolverResult("error", None, f"bad_value: {text}")
    except (ValueError, OverflowError):
        return SolverResult("error", None, "bad_value: too large")
    return SolverResult("ok", value)
