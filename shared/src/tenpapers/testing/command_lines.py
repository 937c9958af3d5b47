"""A package's command line: in this process, in one of its own, or only read."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from ..errors import UserError

if TYPE_CHECKING:
    from typer import Typer


def command(package: str, *arguments: object, code: int = 0) -> None:
    """Run a package's command line in this process and expect an exit code."""
    program = _program(import_module(f"{package}.cli.main").app)
    ended = program([str(argument) for argument in arguments], standalone_mode=False)
    assert (ended or 0) == code, f"exit code {ended}, not {code}"


@cache
def _program(app: "Typer") -> Callable[..., Any]:
    """What an app makes of its functions whenever it is called, and what a call of it then runs."""
    from typer.main import get_command

    return get_command(app)


def fails(package: str, *arguments: object, told: Sequence[object] = ()) -> str:
    """Expect a mendable error of one line that tells all of `told`; gives the line."""
    from typer.exceptions import TyperException

    with pytest.raises((UserError, TyperException)) as caught:
        command(package, *arguments)
    error = caught.value
    line = error.format_message() if isinstance(error, TyperException) else str(error)
    assert "\n" not in line
    for part in told:
        assert str(part) in line, line
    return line


def parse(package: str, *arguments: str) -> None:
    """Read a command line as the package does, without running it.

    Raises
    ------
    TyperException : no such command or option, a missing or wrong value.
    """
    from typer.core import TyperCommand

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TyperCommand, "invoke", lambda self, context: None)
        command(package, *arguments)


def process(
    package: str, *arguments: object, **environment: str
) -> "subprocess.CompletedProcess[str]":
    """Run a package's command line in a process of its own; gives exit code, output and errors."""
    return subprocess.run(
        start(package, *arguments),
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )


def start(package: str, *arguments: object, before: str = "") -> list[str]:
    """The words that start a package's command line in a process of its own.

    Parameters
    ----------
    before : statements that run first, such as one that shortens an interval.
    """
    code = f"{before}\nfrom {package}.cli.main import main; main()"
    return [sys.executable, "-c", code, *map(str, arguments)]


def imports_of_help(package: str, *arguments: str) -> set[str]:
    """Names of all modules that `--help` of a command loads."""
    code = (
        "import sys\n"
        f"from {package}.cli.main import app\n"
        f"try: app([*{arguments!r}, '--help'], standalone_mode=False)\n"
        "finally: print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Usage:" in done.stdout
    return set(done.stderr.split())


Cli = Callable[..., "subprocess.CompletedProcess[str]"]


def cli_fixture(package: str) -> Any:
    """Make the fixture that runs a package's command line in a process of its own."""

    @pytest.fixture
    def cli() -> Cli:
        return lambda *arguments, **environment: process(package, *arguments, **environment)

    return cli
