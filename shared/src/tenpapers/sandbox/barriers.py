"""What stands between a program and the machine, strongest first, and how that is proved."""

import os
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .program import Program

Kind = Literal["namespaces", "landlock", "weak"]
Isolation = Literal["auto", "full", "namespaces", "landlock", "weak"]


@dataclass(frozen=True)
class Barrier:
    """One way to shut programs off.

    Parameters
    ----------
    kind : `namespaces`, `landlock`, or `weak`: a list of system calls and Python's audit hook.
    other_user : programs run as a user that nobody else is (root can do that).
    supervised : the kernel asks the worker about each new process; else it counts them by user.
    """

    kind: Kind
    other_user: bool = False
    supervised: bool = True

    def order(self) -> dict[str, object]:
        """Write it for a worker, with a user of its own that no other run is likely to have."""
        user = _unused_user() if self.other_user else None
        return {"kind": self.kind, "user": user, "supervised": self.supervised}


def candidates(isolation: Isolation, *, weak: bool) -> list[Barrier]:
    """List the barriers to try, in this order; which of them work only a try can tell."""
    kinds: list[Kind] = ["namespaces", "landlock"]
    if isolation in ("full", "namespaces"):
        kinds = ["namespaces"]
    elif isolation == "landlock":
        kinds = ["landlock"]
    elif isolation == "weak":
        kinds = []
    found = []
    for kind in kinds:
        # The kernel's own count is faster; by user and namespace it counts since Linux 5.14.
        counted = kind == "namespaces" and (os.geteuid() == 0 or _release() >= (5, 14))
        for supervised in (not counted, counted):
            if kind == "namespaces" and os.geteuid() == 0:
                found.append(Barrier(kind, True, supervised))
            found.append(Barrier(kind, False, supervised))
    if weak or isolation == "weak":
        found += [Barrier("weak", False, supervised) for supervised in (True, False)]
    return found


def _release() -> tuple[int, ...]:
    found = re.match(r"(\d+)\.(\d+)", os.uname().release)
    return tuple(int(part) for part in found.groups()) if found else (0, 0)


def _unused_user() -> int:
    """A user id at random from those that are mapped here and that nobody is likely to have."""
    try:
        largest = sum(int(word) for word in Path("/proc/self/uid_map").read_text().split()[::2])
    except (OSError, ValueError):
        largest = 65536
    if largest > 4_000_000_000:
        return 2_000_000_000 + secrets.randbelow(2_000_000_000)
    return max(1, largest // 2 + secrets.randbelow(max(1, largest // 2 - 2)))


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
