"""The supervisor: hands programs to lanes, starts and retires fork servers, yields verdicts."""

import contextlib
import dataclasses
import itertools
import json
import logging
import os
import selectors
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..closing import Closing
from ..errors import UserError
from .barriers import Barrier, Isolation, Kind, canary, candidates, passes
from .program import HEAVY, Detail, Limits, Program, Verdict, heavy_modules

log = logging.getLogger(__name__)

MAX_ZYGOTES = 4
_START_SECONDS = 120.0
_CANARY_SECONDS = 60.0
# So many programs in a row without a verdict are no accident.
_LOST_IN_A_ROW = 3
WALL_TIMES = 4  # see Limits.timeout
_ZYGOTE = Path(__file__).with_name("zygote.py")
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
# Forking copies the page tables: with large pages there are few, and a fork of a process with
# torch loaded takes a third of the time. One arena: the zygote runs in a second thread, and a heap
# that is not the first grows in small steps.
_TUNABLES = "glibc.malloc.hugetlb=1:glibc.malloc.arena_max=1"
_HUGE_PAGES = {"PYTHONMALLOC": "malloc", "GLIBC_TUNABLES": _TUNABLES}

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

    def give(self, program: Program, timeout: float = 0.0) -> None:
        """Send a program, with a timeout of its own if that is not 0."""
        body = json.dumps(dataclasses.asdict(program) | {"timeout": timeout}).encode()
        with contextlib.suppress(OSError):  # the lane is gone: reading from it says so
            self.channel.sendall(struct.pack("!I", len(body)) + body)

    def messages(self) -> Iterator[Any]:
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
    def __init__(self, python: str, modules: Modules, settings: dict[str, Any]) -> None:
        self.modules = modules
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = {"PATH": os.defpath, "HOME": "/", "LANG": "C.UTF-8", "MPLBACKEND": "Agg"}
        environment |= dict.fromkeys(_THREADS, "1")
        environment |= {"PYTHONHASHSEED": "0", **_HUGE_PAGES}
        # -s -P, not -I: the hash seed is an environment variable and must be read
        command = [python, "-s", "-P", str(_ZYGOTE), str(theirs.fileno()), json.dumps(settings)]
        self.process = subprocess.Popen(
            command,
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
    isolation : "auto" takes the strongest barrier that this kernel gives, "full" (or "namespaces")
        and "landlock" that one only, "weak" none.
    weak : go on without a barrier of the kernel where there is none.
    preload : keep heavy modules loaded in fork servers; False imports everything afresh.
    python : interpreter of the programs, default this one.
    path : folders that programs may read and import from, besides the interpreter's own.
    hidden : files and folders that they may not, wherever they lie.

    Attributes
    ----------
    barrier : "namespaces", "landlock" or "weak"; "" until the first worker has been tried.
    counts : programs by what became of them: `programs`, `crash`, `timeout` (CPU time),
        `wall timeout`, `tried again` (alone, after a wall timeout on a busy machine),
        `worker died`, `infrastructure` (no verdict).
    lost : keys of programs that got no verdict, with the reason.

    Examples
    --------
    >>> with SandboxPool(workers=1) as pool:
    ...     next(pool.run([Program("one", (("solution", "x = 1"),), ("assert x == 1",))])).statuses
    ('passed',)
    """

    def __init__(
        self,
        *,
        workers: int | None = None,
        limits: Limits | None = None,
        isolation: Isolation = "auto",
        weak: bool = False,
        preload: bool = True,
        python: str | None = None,
        path: Sequence[str | Path] = (),
        hidden: Sequence[str | Path] = (),
    ) -> None:
        if workers is not None and workers < 1:
            raise UserError(f"workers is {workers}", "at least one is needed")
        if not sys.platform.startswith("linux"):
            raise UserError("the sandbox needs Linux", "use a container or a virtual machine")
        self.workers = workers or len(os.sched_getaffinity(0))
        self.limits = limits or Limits()
        self.isolation = isolation
        self.weak = weak
        self.barrier: Kind | str = ""
        self.counts: Counter[str] = Counter()
        self.lost: dict[str, str] = {}
        self._barrier: Barrier | None = None
        self._preload = preload
        self._python = python or sys.executable
        self._path = [str(Path(folder).resolve()) for folder in path]
        self._hidden = [str(Path(name).resolve()) for name in hidden]
        self._zygotes: dict[Modules, _Zygote] = {}
        self._waiting: dict[Modules, deque[Program]] = defaultdict(deque)
        self._alone: deque[Program] = deque()  # once more, when nothing else runs
        self._tried: set[str] = set()
        self._lost_in_a_row = 0
        self._lane_count = itertools.count()
        self._selector = selectors.DefaultSelector()
        # What the system's cleaner may look for: one folder a pool, gone when the pool closes.
        self._homes = Path(tempfile.mkdtemp(prefix="tenpapers-sandbox-"))
        self._homes.chmod(0o711)
        self._secret = self._homes / "secret"
        self._secret.write_text("not for programs")

    @property
    def isolated(self) -> bool | None:
        """Whether the kernel shuts programs off; None until the first worker has been tried."""
        return self.barrier != "weak" if self.barrier else None

    # -- use -----------------------------------------------------------------------------------

    def submit(self, program: Program) -> None:
        """Queue a program; its verdict comes out of `verdicts`."""
        self._waiting[self._modules(program)].append(program)

    def verdicts(self) -> Iterator[Verdict]:
        """Yield verdicts as they come, until nothing is queued or running.

        Programs submitted between two verdicts are taken in.

        Raises
        ------
        UserError : the kernel offers no barrier; or, when all others are done, programs are left
            to which the sandbox could give no verdict (see `lost`).
        """
        while self._dispatch():
            soonest = min(lane.deadline for lane in self._busy())
            timeout = max(0.0, soonest - time.monotonic())
            for key, _ in self._selector.select(timeout):
                yield from self._hear(key.data)
            now = time.monotonic()
            for lane in [lane for lane in self._busy() if lane.deadline <= now]:
                yield from self._lose(lane, "a worker did not answer")
        if self.lost:
            self._give_up()

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

    # -- the barrier ---------------------------------------------------------------------------

    def _choose_barrier(self) -> Barrier:
        """Try the barriers in throw-away workers; the first that a canary proves is taken."""
        reasons: dict[str, str] = {}
        tried = candidates(self.isolation, weak=self.weak)
        for barrier in tried:
            reason = self._canary(Modules(), barrier)
            if not reason:
                self.barrier = barrier.kind
                if barrier.kind == "weak":
                    log.warning(
                        "WARNING: weak sandbox, as asked: a list of system calls and Python's "
                        "audit hook alone stand between model-written code and this machine"
                    )
                else:
                    log.info("sandbox: %s", barrier.kind)
                return barrier
            reasons.setdefault(barrier.kind, reason)
        told = "; ".join(f"{kind}: {reason}" for kind, reason in reasons.items())
        raise UserError(
            f"no barrier for model-written code here ({told})",
            "run where `unshare -rn true` works or on Linux 5.13+ with Landlock, or ask for the "
            "weak sandbox",
        )

    def _canary(self, modules: Modules, barrier: Barrier) -> str:
        """Run the known-good and known-bad program in a new worker; "" or what is wrong."""
        try:
            lane = self._new_lane(self._zygote(modules), barrier)
        except OSError as error:
            return str(error)
        answer: dict[str, Any] = {"broken": "a worker died at its start"}
        try:
            lane.channel.settimeout(_START_SECONDS)
            program = canary(self._secret, self._path, weak=barrier.kind == "weak")
            # Not the user's limit: a slow machine is no broken one.
            lane.give(program, timeout=_CANARY_SECONDS / 4)
            while "outcomes" not in answer:
                for message in lane.messages():
                    answer = message
                    lane.pid = message.get("pid", lane.pid)
                    lane.channel.settimeout(_CANARY_SECONDS)
                if "broken" in answer:
                    raise EOFError
        except (EOFError, OSError):
            self._discard(lane)
            return str(answer.get("broken") or "a worker died")
        statuses = [str(outcome["status"]) for outcome in answer["outcomes"]]
        if not passes(statuses):
            self._discard(lane)
            return f"the canary got {', '.join(statuses)}"
        lane.channel.settimeout(None)
        return ""

    # -- scheduling ----------------------------------------------------------------------------

    def _busy(self) -> list[_Lane]:
        lanes = (lane for zygote in self._zygotes.values() for lane in zygote.lanes)
        return [lane for lane in lanes if lane.program is not None]

    def _dispatch(self) -> bool:
        """Give every free worker a program; False when there is nothing left to wait for."""
        if self._barrier is None and (self._alone or any(self._waiting.values())):
            self._barrier = self._choose_barrier()
        free = self.workers - len(self._busy())
        while free > 0 and (modules := self._next_modules()) is not None:
            self._start(self._idle_lane(modules), self._waiting[modules].popleft())
            free -= 1
        if free == self.workers and self._alone:
            program = self._alone.popleft()
            self._start(self._idle_lane(self._modules(program)), program)
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

    def _modules(self, program: Program) -> Modules:
        texts = [text for _, text in program.setup]
        return heavy_modules("\n".join((*texts, *program.cases))) if self._preload else Modules()

    def _zygote(self, modules: Modules) -> _Zygote:
        zygote = self._zygotes.get(modules)
        if zygote is None:
            settings = {"path": self._path, "hidden": self._hidden, "modules": []}
            if self._preload:
                settings["modules"] = sorted(modules) or ["math"]
            zygote = self._zygotes[modules] = _Zygote(self._python, modules, settings)
        zygote.used = time.monotonic()
        return zygote

    def _idle_lane(self, modules: Modules) -> _Lane:
        assert self._barrier is not None
        zygote = self._zygote(modules)
        for lane in zygote.lanes:
            if lane.program is None:
                return lane
        return self._new_lane(zygote, self._barrier)

    def _new_lane(self, zygote: _Zygote, barrier: Barrier) -> _Lane:
        home = self._homes / f"worker-{next(self._lane_count)}"
        home.mkdir(mode=0o700)
        ours, theirs = socket.socketpair()
        limits = dataclasses.asdict(self.limits)
        order = {"home": str(home), "barrier": barrier.order(), "limits": limits}
        try:
            socket.send_fds(zygote.control, [json.dumps(order).encode()], [theirs.fileno()])
        except OSError:
            ours.close()
            self._retire(zygote)
            raise UserError(
                f"the sandbox cannot start: {self._python} ended at once", "is it a Python 3.11+?"
            ) from None
        finally:
            theirs.close()
        lane = _Lane(zygote, ours, home)
        zygote.lanes.append(lane)
        self._selector.register(ours, selectors.EVENT_READ, lane)
        return lane

    def _start(self, lane: _Lane, program: Program) -> None:
        # Each case can cost its own time and, after a lost child, the set-up's once more.
        seconds = WALL_TIMES * self.limits.timeout * (2 * len(program.cases) + 1) + 30
        lane.deadline = time.monotonic() + seconds + (0 if lane.pid else _START_SECONDS)
        lane.program = program
        lane.give(program)

    # -- listening -----------------------------------------------------------------------------

    def _hear(self, lane: _Lane) -> Iterator[Verdict]:
        try:
            messages = list(lane.messages())
        except (EOFError, OSError):
            yield from self._lose(lane, "a worker died")
            return
        for message in messages:
            if "broken" in message:
                yield from self._lose(lane, str(message["broken"]))
                return
            if "pid" in message:
                lane.pid = message["pid"]
            elif lane.program is not None:
                program, lane.program = lane.program, None
                yield from self._judge(program, message)

    def _judge(self, program: Program, message: dict[str, Any]) -> Iterator[Verdict]:
        """Make a verdict of a worker's answer, unless the program is to be tried once more."""
        outcomes: list[dict[str, Any]] = message["outcomes"]
        statuses = tuple(outcome.pop("status") for outcome in outcomes)
        details = tuple(Detail(**outcome) for outcome in outcomes)
        if any(detail.starved for detail in details) and program.key not in self._tried:
            self._tried.add(program.key)
            self.counts["tried again"] += 1
            self._alone.append(program)
            return
        self._lost_in_a_row = 0
        self._count(statuses, details)
        output = message["output"] if program.capture else ""
        tail = message.get("tail", "")
        yield Verdict(program.key, statuses, message["seconds"], output, details, tail)

    def _count(self, statuses: tuple[str, ...], details: tuple[Detail, ...]) -> None:
        self.counts["programs"] += 1
        if "crash" in statuses:
            self.counts["crash"] += 1
        limits = {detail.limit for detail in details}
        if "cpu" in limits:
            self.counts["timeout"] += 1
        elif "wall" in limits:
            self.counts["wall timeout"] += 1

    def _lose(self, lane: _Lane, reason: str) -> Iterator[Verdict]:
        """Bury a worker. Whose fault it was, its program's or the machine's, the canary tells."""
        program, lane.program = lane.program, None
        modules = lane.zygote.modules
        self._discard(lane)
        if program is None:
            return
        self.counts["worker died"] += 1
        assert self._barrier is not None
        ill = ""
        for pause in (0.0, 1.0):
            time.sleep(pause)
            try:
                ill = self._canary(modules, self._barrier)
            except UserError as error:
                ill = str(error)
            if not ill:
                break
        if not ill:
            self._lost_in_a_row = 0
            statuses = ("crash",) * len(program.cases)
            details = (Detail(message=reason),) * len(program.cases)
            self._count(statuses, details)
            yield Verdict(program.key, statuses, 0.0, details=details)
            return
        self.counts["infrastructure"] += 1
        self.lost[program.key] = ill
        self._lost_in_a_row += 1
        if self._lost_in_a_row >= _LOST_IN_A_ROW:
            self._give_up()

    def _give_up(self) -> None:
        lost, self.lost = self.lost, {}
        reason = next(iter(lost.values()))
        raise UserError(
            f"the sandbox gave no verdict on {len(lost)} program(s): {reason}",
            "a known-good program fails too: is the memory or the number of processes exhausted?",
        )

    def _discard(self, lane: _Lane) -> None:
        self._selector.unregister(lane.channel)
        lane.channel.close()
        if lane in lane.zygote.lanes:
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
