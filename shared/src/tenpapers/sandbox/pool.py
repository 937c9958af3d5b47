"""The supervisor: hands programs to lanes, starts and retires fork servers, yields verdicts."""

import contextlib
import dataclasses
import itertools
import json
import logging
import os
import secrets
import selectors
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from ..closing import Closing
from ..errors import UserError
from .program import HEAVY, Limits, Program, Verdict, heavy_modules

log = logging.getLogger(__name__)

MAX_ZYGOTES = 4
_START_SECONDS = 120.0
_ZYGOTE = Path(__file__).with_name("zygote.py")
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
# Forking copies the page tables: with large pages there are few, and a fork of a process with
# torch loaded takes a third of the time.
_HUGE_PAGES = {"PYTHONMALLOC": "malloc", "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}

Modules = frozenset[str]


class _Lane:
    def __init__(self, zygote: "_Zygote", channel: socket.socket, home: Path) -> None:
        self.zygote = zygote
        self.channel = channel
        self.home = home
        self.pid = 0  # known from its hello
        self.program: Program | None = None
        self.deadline = 0.0
        self.buffer = b""

    def messages(self) -> Iterator[dict[str, Any]]:
        """Read what has arrived; raises EOFError when the lane is gone."""
        piece = self.channel.recv(1 << 20)
        if not piece:
            raise EOFError
        self.buffer += piece
        while len(self.buffer) >= 4:
            size = struct.unpack("!I", self.buffer[:4])[0]
            if len(self.buffer) < 4 + size:
                return
            body, self.buffer = self.buffer[4 : 4 + size], self.buffer[4 + size :]
            yield json.loads(body)


class _Zygote:
    def __init__(self, python: str, modules: Modules, preload: bool) -> None:
        self.modules = modules
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = {"PATH": os.defpath, "HOME": "/", "LANG": "C.UTF-8", "MPLBACKEND": "Agg"}
        environment |= dict.fromkeys(_THREADS, "1")
        environment |= {"PYTHONHASHSEED": "0", **_HUGE_PAGES}
        names = ",".join(sorted(modules)) or "math"
        # -s -P, not -I: the hash seed is an environment variable and must be read
        command = [python, "-s", "-P", str(_ZYGOTE), str(theirs.fileno())]
        self.process = subprocess.Popen(
            [*command, names if preload else "-"],
            pass_fds=[theirs.fileno()],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd="/",
        )
        theirs.close()
        self.lanes: list[_Lane] = []
        self.used = time.monotonic()

    def stop(self) -> None:
        self.control.close()
        for lane in self.lanes:
            lane.channel.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class SandboxPool(Closing):
    """Runs untrusted programs in isolated workers; see the package's README for what that means.

    Parameters
    ----------
    workers : programs at a time; default the number of processors we may use.
    limits : of each program.
    isolation : "full" needs kernel namespaces and is an error without them; "weak" never uses
        them (seccomp and Python's audit hook only); "auto" takes what there is and warns once.
    preload : keep heavy modules loaded in fork servers; False imports everything afresh.
    python : interpreter of the programs, default this one.

    Examples
    --------
    >>> with SandboxPool(workers=1) as pool:
    ...     print(next(pool.run([Program("one", (("solution", "x = 1"),), ("assert x == 1",))])))
    Verdict(key='one', statuses=('passed',), seconds=...)
    """

    def __init__(
        self,
        *,
        workers: int | None = None,
        limits: Limits | None = None,
        isolation: Literal["auto", "full", "weak"] = "auto",
        preload: bool = True,
        python: str | None = None,
    ) -> None:
        if workers is not None and workers < 1:
            raise UserError(f"workers is {workers}", "at least one is needed")
        if not sys.platform.startswith("linux"):
            raise UserError("the sandbox needs Linux", "use a container or a virtual machine")
        self.workers = workers or len(os.sched_getaffinity(0))
        self.limits = limits or Limits()
        self.isolation = isolation
        self.isolated: bool | None = None  # known when the first worker has started
        self._preload = preload
        self._python = python or sys.executable
        self._zygotes: dict[Modules, _Zygote] = {}
        self._waiting: dict[Modules, deque[Program]] = defaultdict(deque)
        self._retried: set[str] = set()
        self._lane_count = itertools.count()
        self._selector = selectors.DefaultSelector()
        # What the system's cleaner may look for: one folder a pool, gone when the pool closes.
        self._homes = Path(tempfile.mkdtemp(prefix="tenpapers-sandbox-"))
        self._homes.chmod(0o711)

    # -- use -----------------------------------------------------------------------------------

    def submit(self, program: Program) -> None:
        """Queue a program; its verdict comes out of `verdicts`."""
        texts = [text for _, text in program.setup]
        modules = heavy_modules("\n".join((*texts, *program.cases))) if self._preload else Modules()
        self._waiting[modules].append(program)

    def verdicts(self) -> Iterator[Verdict]:
        """Yield verdicts as they come, until nothing is queued or running.

        Programs submitted between two verdicts are taken in.
        """
        while self._dispatch():
            soonest = min(lane.deadline for lane in self._busy())
            timeout = max(0.0, soonest - time.monotonic())
            for key, _ in self._selector.select(timeout):
                yield from self._hear(key.data)
            now = time.monotonic()
            for lane in [lane for lane in self._busy() if lane.deadline <= now]:
                yield from self._lose(lane)

    def run(self, programs: Iterable[Program]) -> Iterator[Verdict]:
        """Run programs; verdicts come in the order in which they are reached."""
        for program in programs:
            self.submit(program)
        yield from self.verdicts()

    def close(self) -> None:
        """End every worker and remove every folder."""
        for zygote in list(self._zygotes.values()):
            self._retire(zygote)
        self._selector.close()
        shutil.rmtree(self._homes, ignore_errors=True)

    # -- scheduling ----------------------------------------------------------------------------

    def _busy(self) -> list[_Lane]:
        lanes = (lane for zygote in self._zygotes.values() for lane in zygote.lanes)
        return [lane for lane in lanes if lane.program is not None]

    def _dispatch(self) -> bool:
        """Give every free worker a program; False when there is nothing left to wait for."""
        free = self.workers - len(self._busy())
        while free > 0 and (modules := self._next_modules()) is not None:
            self._give(self._idle_lane(modules), self._waiting[modules].popleft())
            free -= 1
        return free < self.workers

    def _next_modules(self) -> Modules | None:
        waiting = [modules for modules, programs in self._waiting.items() if programs]
        # Costliest first, so that no long program is left for the end; what is loaded comes first.
        order = list(HEAVY)
        waiting.sort(key=lambda names: [name not in names for name in order])
        waiting.sort(key=lambda names: names not in self._zygotes)
        for modules in waiting:
            if modules in self._zygotes or len(self._zygotes) < MAX_ZYGOTES:
                return modules
            idle = [
                zygote
                for zygote in self._zygotes.values()
                if not self._waiting[zygote.modules]
                and all(lane.program is None for lane in zygote.lanes)
            ]
            if idle:
                self._retire(min(idle, key=lambda zygote: zygote.used))
                return modules
        return None

    def _idle_lane(self, modules: Modules) -> _Lane:
        zygote = self._zygotes.get(modules)
        if zygote is None:
            zygote = self._zygotes[modules] = _Zygote(self._python, modules, self._preload)
        zygote.used = time.monotonic()
        for lane in zygote.lanes:
            if lane.program is None:
                return lane
        number = next(self._lane_count)
        home = self._homes / f"worker-{number}"
        home.mkdir(mode=0o700)
        ours, theirs = socket.socketpair()
        order = {
            "home": str(home),
            "uid": _sandbox_user(number),
            "isolation": self.isolation,
            "limits": dataclasses.asdict(self.limits),
        }
        try:
            socket.send_fds(zygote.control, [json.dumps(order).encode()], [theirs.fileno()])
        except OSError:
            raise UserError(
                f"the sandbox cannot start: {self._python} ended at once", "is it a Python 3.11+?"
            ) from None
        theirs.close()
        lane = _Lane(zygote, ours, home)
        zygote.lanes.append(lane)
        self._selector.register(ours, selectors.EVENT_READ, lane)
        return lane

    def _give(self, lane: _Lane, program: Program) -> None:
        job = dataclasses.asdict(program) | {"nonce": secrets.token_hex(16)}
        body = json.dumps(job).encode()
        lane.program = program
        # Each case can cost its own time and, after a lost child, the set-up's once more.
        seconds = self.limits.timeout * (2 * len(program.cases) + 1) + 30
        lane.deadline = time.monotonic() + seconds + (0 if lane.pid else _START_SECONDS)
        with contextlib.suppress(OSError):  # the lane is gone: reading from it says so
            lane.channel.sendall(struct.pack("!I", len(body)) + body)

    # -- listening -----------------------------------------------------------------------------

    def _hear(self, lane: _Lane) -> Iterator[Verdict]:
        try:
            messages = list(lane.messages())
        except (EOFError, OSError):
            yield from self._lose(lane)
            return
        for message in messages:
            if "pid" in message:
                lane.pid = message["pid"]
                self._note_isolation(message["isolated"])
            elif lane.program is not None:
                program, lane.program = lane.program, None
                statuses, output = tuple(message["statuses"]), message.get("output", "")
                yield Verdict(program.key, statuses, message["seconds"], output)

    def _note_isolation(self, isolated: bool) -> None:
        if isolated or self.isolated is False:
            self.isolated = isolated
            return
        self.isolated = False
        if self.isolation == "full":
            raise UserError(
                "this kernel or container allows no namespaces, so the sandbox is weak",
                "run where `unshare -rn true` works, or do without --require-isolation",
            )
        log.warning(
            "WARNING: weak sandbox: no kernel namespaces here; only seccomp and audit hooks stand "
            "between model-written code and this machine (--require-isolation makes this an error)"
        )

    def _lose(self, lane: _Lane) -> Iterator[Verdict]:
        """Bury a lane; its program gets one more try, then counts as crashed."""
        program, lane.program = lane.program, None
        started = bool(lane.pid)
        self._discard(lane)
        if program is None:
            return
        if not started and program.key in self._retried:
            raise UserError(
                f"the sandbox cannot start a worker with {self._python}",
                "run with --debug; is the memory or the number of processes exhausted?",
            )
        if program.key in self._retried:
            yield Verdict(program.key, ("crash",) * len(program.cases), 0.0)
        else:
            self._retried.add(program.key)
            self.submit(program)

    def _discard(self, lane: _Lane) -> None:
        self._selector.unregister(lane.channel)
        lane.channel.close()
        lane.zygote.lanes.remove(lane)
        if lane.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(lane.pid, 9)
        shutil.rmtree(lane.home, ignore_errors=True)

    def _retire(self, zygote: _Zygote) -> None:
        for lane in list(zygote.lanes):
            self._discard(lane)
        zygote.stop()
        self._zygotes.pop(zygote.modules, None)


def _sandbox_user(number: int) -> int:
    """A user id that nobody has, one for each lane, so that process limits do not add up."""
    try:
        largest = sum(int(word) for word in Path("/proc/self/uid_map").read_text().split()[::2])
    except (OSError, ValueError):
        largest = 65536
    top = 4_000_000_000 if largest > 4_000_000_000 else min(largest, 65533)
    return max(1, top - number % 1000)
