"""The supervisor's ends of what it starts: fork servers and the lanes that they fork."""

import contextlib
import dataclasses
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from ..errors import UserError
from .barriers import Barrier
from .program import Limits, Program

Modules = frozenset[str]

_ZYGOTE = Path(__file__).parent / "inside" / "zygote.py"
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
# Forking copies the page tables: with large pages there are few, and a fork of a process with
# torch loaded takes a third of the time. One arena: the zygote runs in a second thread, and a heap
# that is not the first grows in small steps.
_TUNABLES = "glibc.malloc.hugetlb=1:glibc.malloc.arena_max=1"
_ENVIRONMENT = {
    "PATH": os.defpath,
    "HOME": "/",
    "LANG": "C.UTF-8",
    "MPLBACKEND": "Agg",
    "PYTHONHASHSEED": "0",
    "PYTHONMALLOC": "malloc",
    "GLIBC_TUNABLES": _TUNABLES,
    **dict.fromkeys(_THREADS, "1"),
}


class Lane:
    """A worker: takes one program at a time."""

    def __init__(self, zygote: "Zygote", channel: Connection, home: Path) -> None:
        self.zygote = zygote
        self.channel = channel
        self.home = home
        self.pid = 0  # known from its hello
        self.program: Program | None = None
        self.deadline = 0.0

    def give(self, program: Program, timeout: float = 0.0) -> None:
        """Send a program, with a timeout of its own if that is not 0."""
        body = json.dumps(dataclasses.asdict(program) | {"timeout": timeout}).encode()
        with contextlib.suppress(OSError):  # the lane is gone: reading from it says so
            self.channel.send_bytes(body)

    def hear(self, patience: float | None = None) -> dict[str, Any]:
        """Read one message.

        Raises
        ------
        EOFError, OSError : the lane is gone, or silent for so many seconds.
        """
        if not self.channel.poll(patience):
            raise EOFError
        message: dict[str, Any] = json.loads(self.channel.recv_bytes())
        self.pid = message.get("pid", self.pid)
        return message

    def bury(self) -> None:
        """End it and remove its folder."""
        self.channel.close()
        if self in self.zygote.lanes:
            self.zygote.lanes.remove(self)
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, 9)
        shutil.rmtree(self.home, ignore_errors=True)


class Zygote:
    """A fork server with some heavy modules loaded.

    Parameters
    ----------
    python : its interpreter.
    modules : to load; None loads nothing beforehand.
    path, hidden : what programs may read besides the interpreter's own files, and what not.
    """

    def __init__(
        self, python: str, modules: Modules | None, path: Sequence[str], hidden: Sequence[str]
    ) -> None:
        loaded = [] if modules is None else sorted(modules) or ["math"]
        settings = {"path": path, "hidden": hidden, "modules": loaded}
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # -s -P, not -I: the hash seed is an environment variable and must be read
        command = [python, "-s", "-P", str(_ZYGOTE), str(theirs.fileno()), json.dumps(settings)]
        with theirs:
            self.process = subprocess.Popen(
                command,
                pass_fds=[theirs.fileno()],
                env=_ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                cwd="/",
            )
        self.python = python
        self.lanes: list[Lane] = []
        self.used = time.monotonic()

    def new_lane(self, home: Path, barrier: Barrier, limits: Limits) -> Lane:
        """Order a worker.

        Raises
        ------
        UserError : the interpreter does not run.
        """
        home.mkdir(mode=0o700)
        order = {"home": str(home), "barrier": barrier, "limits": dataclasses.asdict(limits)}
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self.control, [json.dumps(order).encode()], [theirs.fileno()])
            except OSError:
                ours.close()
                raise UserError(
                    f"the sandbox cannot start: {self.python} ended at once",
                    "is it a Python 3.11+?",
                ) from None
        lane = Lane(self, Connection(ours.detach()), home)
        self.lanes.append(lane)
        return lane

    def stop(self) -> None:
        """End it and its workers."""
        self.control.close()
        for lane in self.lanes:
            lane.channel.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
