"""What goes into the sandbox and what comes out."""

import ast
import re
from dataclasses import dataclass

from ..errors import UserError

# Modules that take so long to import that a fork server keeps them loaded, costliest first,
# each with the heavy modules that importing it loads anyway.
HEAVY = {
    "torch": {"numpy"},
    "sympy": set(),
    "pandas": {"numpy"},
    "scipy": {"numpy"},
    "numpy": set(),
    "pytest": set(),
}
_IMPORT_LINE = re.compile(r"^\s*(?:import|from)\s+([\w., ]+)", re.MULTILINE)


@dataclass(frozen=True)
class Limits:
    """What one program may use.

    Parameters
    ----------
    timeout : seconds of CPU time for the set-up and for each case; the clock on the wall ends it
        after four times that.
    memory_gb : address space in GiB on top of what the fork server has mapped.

    Raises
    ------
    UserError : a limit is zero, negative, beyond reason or not a number.
    """

    timeout: float = 15.0
    memory_gb: float = 4.0

    def __post_init__(self) -> None:
        for name in ("timeout", "memory_gb"):
            value = getattr(self, name)
            if not (isinstance(value, int | float) and 0 < value <= 10**6):
                raise UserError(
                    f"{name} of the sandbox is {value}",
                    "a number above zero is needed, at most 10**6",
                )


@dataclass(frozen=True)
class Program:
    """Source texts that run one after the other in one fresh namespace, then the cases.

    Parameters
    ----------
    key : identifies the program in its verdict.
    setup : texts executed once, in this order; named, for tracebacks. `solution` is the one that
        is not to be trusted.
    cases : texts of which each runs after the set-up, none seeing what another did.
    stop_on_failure : the first case that does not pass ends the program.
    stop_on_pass : the first case that passes ends the program.
    most_timeouts : so many cases that ran out of CPU time end the program, and those that are left
        are `timeout` without being run; 0 is no bound.
    isolate_cases : a process for each case (True) or one for all of them (False).
    capture : keep the first 64 KiB of what the program prints.
    """

    key: str
    setup: tuple[tuple[str, str], ...]
    cases: tuple[str, ...]
    stop_on_failure: bool = False
    stop_on_pass: bool = False
    most_timeouts: int = 0
    isolate_cases: bool = True
    capture: bool = False


@dataclass(frozen=True)
class Detail:
    """Why a case did not pass. What the program says of itself; as little to be trusted as it.

    Parameters
    ----------
    message : of the exception, its first 500 characters.
    part : in which text it arose: a name of the set-up, or `test`.
    line : of that text, counted from 1; 0 where it is not known.
    limit : which clock ended the case: `cpu`, `wall`, or neither.
    starved : the clock on the wall ended it while it waited for a busy processor.
    """

    message: str = ""
    part: str = ""
    line: int = 0
    limit: str = ""
    starved: bool = False


@dataclass(frozen=True)
class Verdict:
    """What became of a program.

    Parameters
    ----------
    key : of the program.
    statuses : one for each case that was run, in order: `passed`, `assert`,
        `error:<ExceptionName>`, `timeout`, `memory` or `crash` (ended without a verdict).
    seconds : wall-clock time in the sandbox.
    output : what it printed, if that was captured. As little to be trusted as the program.
    details : one for each status.
    tail : the last 2 KiB of its output and errors, if a case did not pass.
    suspicious : what its `solution` has that looks like deceit, if a case passed; it may be none.
    """

    key: str
    statuses: tuple[str, ...]
    seconds: float
    output: str = ""
    details: tuple[Detail, ...] = ()
    tail: str = ""
    suspicious: tuple[str, ...] = ()

    @property
    def failure(self) -> str:
        """The first case that did not pass, in one line: where, what and its message."""
        for status, detail in zip(self.statuses, self.details, strict=False):
            if status != "passed":
                where = f"{detail.part}:{detail.line}: " if detail.line else ""
                limit = f" ({detail.limit} time)" if detail.limit else ""
                message = f": {detail.message}" if detail.message else ""
                return " ".join(f"{where}{status.removeprefix('error:')}{limit}{message}".split())
        return ""


def heavy_modules(source: str) -> frozenset[str]:
    """Find which slow modules a program imports anywhere, without those that others bring.

    Text that does not parse is searched line by line, since it still has to run somewhere.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        named = set(re.findall(r"\w+", " ".join(_IMPORT_LINE.findall(source))))
    else:
        named = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                named.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                named.add(node.module.partition(".")[0])
    found = named & HEAVY.keys()
    return frozenset(found.difference(*(HEAVY[name] for name in found)))
