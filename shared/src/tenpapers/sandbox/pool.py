"""The supervisor: hands programs to lanes, starts and retires fork servers, yields verdicts."""

import itertools
import logging
import os
import selectors
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from ..closing import Closing
from ..errors import UserError
from .barriers import KERNEL_BARRIERS, Barrier, canary, passes
from .program import HEAVY, Detail, Limits, Program, Verdict, heavy_modules
from .suspicion import suspicions
from .workers import Lane, Modules, Zygote

log = logging.getLogger(__name__)

MAX_ZYGOTES = 4
_START_SECONDS = 120.0
_CANARY_SECONDS = 60.0
# So many programs in a row without a verdict are no accident.
_LOST_IN_A_ROW = 3
WALL_TIMES = 4  # see Limits.timeout


def summary_line(summary: dict[str, Any]) -> str:
    """Write a pool's summary in one line, for under a table."""
    counts = ", ".join(f"{name}: {number}" for name, number in summary["counts"].items() if number)
    return f"Sandbox: {summary['barrier'] or 'nothing to run'}{counts and f' ({counts})'}."


class InfrastructureError(UserError):
    """The sandbox could give no verdict, and the programs are not to blame."""

    exit_code = 3


class SandboxPool(Closing):
    """Runs untrusted programs in isolated workers; see the package's README for what that means.

    Parameters
    ----------
    workers : programs at a time; default the number of processors we may use.
    limits : of each program.
    barriers : to try in this order; the first that this kernel gives is taken. "weak", the last
        resort, must be asked for.
    preload : keep heavy modules loaded in fork servers; False imports everything afresh.
    python : interpreter of the programs, default this one.
    path : folders that programs may read and import from, besides the interpreter's own.
    hidden : files and folders that they may not, wherever they lie.

    Attributes
    ----------
    barrier : the one taken; "" until the first worker has been tried.
    counts : programs by what became of them: `programs`, `crash`, `timeout` (CPU time),
        `wall timeout`, `tried again` (alone, after a wall timeout on a busy machine),
        `suspicious` (a case passed, see `Verdict.suspicious`), `worker died`, `infrastructure`
        (no verdict).
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
        barriers: Sequence[Barrier] = KERNEL_BARRIERS,
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
        self.barrier: Barrier | Literal[""] = ""
        self.counts: Counter[str] = Counter()
        self.lost: dict[str, str] = {}
        self._barriers = tuple(barriers)
        self._preload = preload
        self._python = python or sys.executable
        self._path = [str(Path(folder).resolve()) for folder in path]
        self._hidden = [str(Path(name).resolve()) for name in hidden]
        self._zygotes: dict[Modules, Zygote] = {}
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

    def summary(self) -> dict[str, Any]:
        """What results say of this sandbox: its `barrier` and its `counts`."""
        return {"barrier": self.barrier, "counts": dict(sorted(self.counts.items()))}

    # -- use -----------------------------------------------------------------------------------

    def submit(self, program: Program, *, first: bool = False) -> None:
        """Queue a program; its verdict comes out of `verdicts`.

        Parameters
        ----------
        first : before all that wait for the same modules, as what follows from a verdict.
        """
        waiting = self._waiting[self._modules(program)]
        (waiting.appendleft if first else waiting.append)(program)

    def verdicts(self) -> Iterator[Verdict]:
        """Yield verdicts as they come, until nothing is queued or running.

        Programs submitted between two verdicts are taken in.

        Raises
        ------
        UserError : the kernel offers no barrier.
        InfrastructureError : when all others are done, programs are left to which the sandbox
            could give no verdict; or three in a row are.
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
        reasons = []
        for barrier in self._barriers:
            reason = self._canary(Modules(), barrier)
            if not reason:
                if barrier == "weak":
                    log.warning(
                        "WARNING: weak sandbox, as asked: a list of system calls alone stands "
                        "between model-written code and this machine"
                    )
                else:
                    log.info("sandbox: %s", barrier)
                return barrier
            reasons.append(f"{barrier}: {reason}")
        raise UserError(
            f"no barrier for model-written code here ({'; '.join(reasons)})",
            "run where `unshare -rn true` works or on Linux 5.13+ with Landlock, or ask for the "
            "weak sandbox",
        )

    def _canary(self, modules: Modules, barrier: Barrier) -> str:
        """Run the known-good and known-bad program in a new worker; "" or what is wrong."""
        answer: dict[str, Any] = {}
        try:
            lane = self._new_lane(self._zygote(modules), barrier)
        except OSError as error:
            return str(error)
        try:
            program = canary(self._secret, self._path, weak=barrier == "weak")
            # Not the user's limit: a slow machine is no broken one.
            lane.give(program, timeout=_CANARY_SECONDS / 4)
            while not answer.keys() & {"outcomes", "broken"}:
                answer = lane.hear(_CANARY_SECONDS if lane.pid else _START_SECONDS)
        except (EOFError, OSError):
            answer["broken"] = "a worker died at its start"
        statuses = [str(outcome["status"]) for outcome in answer.get("outcomes", ())]
        if passes(statuses):
            return ""
        self._discard(lane)
        return str(answer.get("broken") or f"the canary got {', '.join(statuses)}")

    # -- scheduling ----------------------------------------------------------------------------

    def _busy(self) -> list[Lane]:
        lanes = (lane for zygote in self._zygotes.values() for lane in zygote.lanes)
        return [lane for lane in lanes if lane.program is not None]

    def _dispatch(self) -> bool:
        """Give every free worker a program; False when there is nothing left to wait for."""
        if not self.barrier and any(self._waiting.values()):
            self.barrier = self._choose_barrier()
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
        waiting.sort(key=lambda names: [name not in names for name in HEAVY])
        waiting.sort(key=lambda names: names not in self._zygotes)
        if not waiting:
            return None
        if waiting[0] not in self._zygotes and len(self._zygotes) >= MAX_ZYGOTES:
            idle = [
                (zygote.used, modules)
                for modules, zygote in self._zygotes.items()
                if all(lane.program is None for lane in zygote.lanes)
            ]
            if not idle:
                return None
            self._retire(self._zygotes[min(idle, key=lambda pair: pair[0])[1]])
        return waiting[0]

    def _modules(self, program: Program) -> Modules:
        texts = [text for _, text in program.setup]
        return heavy_modules("\n".join((*texts, *program.cases))) if self._preload else Modules()

    def _zygote(self, modules: Modules) -> Zygote:
        zygote = self._zygotes.get(modules)
        if zygote is None:
            preload = modules if self._preload else None
            zygote = Zygote(self._python, preload, self._path, self._hidden)
            self._zygotes[modules] = zygote
        zygote.used = time.monotonic()
        return zygote

    def _idle_lane(self, modules: Modules) -> Lane:
        assert self.barrier
        zygote = self._zygote(modules)
        for lane in zygote.lanes:
            if lane.program is None:
                return lane
        return self._new_lane(zygote, self.barrier)

    def _new_lane(self, zygote: Zygote, barrier: Barrier) -> Lane:
        home = self._homes / f"worker-{next(self._lane_count)}"
        try:
            lane = zygote.new_lane(home, barrier, self.limits)
        except UserError:
            self._retire(zygote)
            raise
        self._selector.register(lane.channel, selectors.EVENT_READ, lane)
        return lane

    def _start(self, lane: Lane, program: Program) -> None:
        # Each case can cost its own time and, after a lost child, the set-up's once more.
        seconds = WALL_TIMES * self.limits.timeout * (2 * len(program.cases) + 1) + 30
        lane.deadline = time.monotonic() + seconds + (0 if lane.pid else _START_SECONDS)
        lane.program = program
        lane.give(program)

    # -- listening -----------------------------------------------------------------------------

    def _hear(self, lane: Lane) -> Iterator[Verdict]:
        try:
            message = lane.hear()
        except (EOFError, OSError):
            message = {"broken": "a worker died"}
        if "broken" in message:
            yield from self._lose(lane, str(message["broken"]))
        elif "outcomes" in message and lane.program is not None:
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
        solution = "\n".join(text for name, text in program.setup if name == "solution")
        suspicious = suspicions(solution) if "passed" in statuses else ()
        if suspicious:
            self.counts["suspicious"] += 1
        output, tail = message.get("output", ""), message.get("tail", "")
        seconds = message["seconds"]
        yield Verdict(program.key, statuses, seconds, output, details, tail, suspicious)

    def _count(self, statuses: tuple[str, ...], details: tuple[Detail, ...]) -> None:
        self.counts["programs"] += 1
        if "crash" in statuses:
            self.counts["crash"] += 1
        limits = {detail.limit for detail in details}
        if "cpu" in limits:
            self.counts["timeout"] += 1
        elif "wall" in limits:
            self.counts["wall timeout"] += 1

    def _lose(self, lane: Lane, reason: str) -> Iterator[Verdict]:
        """Bury a worker. Whose fault it was, its program's or the machine's, the canary tells."""
        program, lane.program = lane.program, None
        modules = self._modules(program) if program else Modules()
        self._discard(lane)
        if program is None:
            return
        self.counts["worker died"] += 1
        assert self.barrier
        for pause in (0.0, 1.0):
            time.sleep(pause)
            try:
                ill = self._canary(modules, self.barrier)
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
        raise InfrastructureError(
            f"the sandbox gave no verdict on {len(lost)} program(s): {reason}",
            "a known-good program fails too: is the memory or the number of processes exhausted?",
        )

    def _discard(self, lane: Lane) -> None:
        self._selector.unregister(lane.channel)
        lane.bury()

    def _retire(self, zygote: Zygote) -> None:
        for lane in list(zygote.lanes):
            self._discard(lane)
        zygote.stop()
        self._zygotes = {k: other for k, other in self._zygotes.items() if other is not zygote}
