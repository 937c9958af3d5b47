"""What stands between a program and the machine, and the program that proves that it does."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from .program import Program

# Namespaces of its own; Landlock's rules for files; `weak`: a list of system calls alone.
Barrier = Literal["namespaces", "landlock", "weak"]
KERNEL_BARRIERS: tuple[Barrier, ...] = ("namespaces", "landlock")


def canary(outside: Path, path: Sequence[str], *, weak: bool) -> Program:
    """Make the program whose first case must pass and whose others must not.

    Parameters
    ----------
    outside : a file that exists, whose text is a secret, in a folder of ours.
    path : folders that must be readable, besides the interpreter's own.
    weak : the sandbox cannot keep `outside` from being read.
    """
    cases = (
        # `colorsys` has certainly not been loaded before the barrier stood.
        "import colorsys, os, sysconfig\nassert one + 1 == 2\n"
        f"for folder in [os.path.dirname(colorsys.__file__), *{list(path)!r}]: os.listdir(folder)\n"
        "library = sysconfig.get_path('purelib')\nos.path.isdir(library) and os.listdir(library)",
        "assert one + 1 == 3",
        f"import os, socket\nsecret = {str(outside)!r}\nweak = {weak!r}\n"
        "def write(): open(secret, 'a')\n"
        "def read(): open(secret)\n"
        "def start(): os.execv('/bin/true', ['true'])\n"
        "for attempt in (socket.socket, os.fork, start, write, *([] if weak else [read])):\n"
        "    try: attempt()\n    except OSError: pass\n    else: os._exit(0)\n"
        "raise OSError('all refused')",
    )
    return Program("canary", (("setup", "one = 1"),), cases)


def passes(statuses: list[str]) -> bool:
    """Whether a canary's statuses are those of a sandbox that runs and refuses what it should."""
    return statuses == ["passed", "assert", "error:OSError"]
