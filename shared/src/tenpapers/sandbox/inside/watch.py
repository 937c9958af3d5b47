"""What a lane knows of a running child: from its reports, its output and its clocks."""

import contextlib
import json
import os
import re
import secrets
import select
import struct
import time
from pathlib import Path
from typing import Any, NamedTuple

from syscalls import Supervision  # type: ignore[import-not-found]

_STATUS = re.compile(r"passed|assert|memory|crash|error:\w+")
OUTPUT_BYTES, TAIL_BYTES = 65536, 2048
WALL_TIMES = 4
# Waited for a processor for a quarter of its time: the machine was busy, not the program idle.
_STARVED = 0.25
_CPUS = len(os.sched_getaffinity(0))


class Ends(NamedTuple):
    """The lane's descriptors of a child: its orders, reports, output, and questions."""

    orders: int
    reports: int
    printed: int
    questions: int


class Watch:
    """Sends the set-up and case after case to a child and notes what becomes of each.

    The child never waits for us: a case lies in the pipe before the one ahead of it has ended, and
    its tokens as soon as that is done. What is read from a pipe is gone: whoever reads ahead robs
    the harness of it.

    Parameters
    ----------
    job : what the supervisor sent.
    start : the first case to run.
    """

    def __init__(self, job: dict[str, Any], start: int, ends: Ends, asked: Supervision) -> None:
        self.job, self.ends, self.asked = job, ends, asked
        self.cases: list[str] = job["cases"][start:]
        self.done: list[dict[str, Any]] = []
        self.said: dict[str, Any] = {}  # told for the case that runs, until its process has ended
        self.ready = False  # the set-up is through
        self.finished = False  # nothing more is to come
        self.failure: dict[str, Any] = {}  # why the cases after `done` have no status of their own
        self.output, self.tail = b"", b""
        self._rest = b""
        self._tokens: dict[bytes, bytes] = {}
        self._unsent = b""

    # -- orders --------------------------------------------------------------------------------

    def _send_setup(self) -> None:
        """Send the set-up, the token of its report and the first case."""
        flags = ("isolate_cases", "stop_on_failure", "stop_on_pass")
        texts = [self.job["setup"], *(self.job[flag] for flag in flags)]
        self._send(json.dumps(texts).encode(), *self._new_tokens(b"r"), self._case(0))

    def _send_tokens(self) -> None:
        """Send the tokens of the case that comes next, and the case behind it."""
        number = len(self.done)
        if number == len(self.cases) or self.stops():
            self.finished = True
            return
        if self.job["isolate_cases"]:
            self.asked.granted = 2  # it may be one ahead
        self._send(*self._new_tokens(b"s", b"d"), self._case(number + 1))

    def _new_tokens(self, *kinds: bytes) -> list[bytes]:
        self._tokens = {kind: secrets.token_hex(16).encode() for kind in kinds}
        return [kind + token for kind, token in self._tokens.items()]

    def _case(self, number: int) -> bytes:
        if number >= len(self.cases):
            return b""
        return self.cases[number].encode("utf-8", "replace") or b"\n"

    def _send(self, *parts: bytes) -> None:
        self._unsent += b"".join(struct.pack("!I", len(part)) + part for part in parts)
        self._push()

    def _push(self) -> None:
        try:
            while self._unsent:
                self._unsent = self._unsent[os.write(self.ends.orders, self._unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            self._unsent = b""  # the child is gone: its end says so

    # -- watching ------------------------------------------------------------------------------

    def follow(self, pid: int, timeout: float, channel: int) -> None:
        """Answer and read the child until it ends, is through, or runs over its time.

        Parameters
        ----------
        timeout : CPU seconds of each step.
        channel : to the supervisor; once that is closed, this process ends.
        """
        process = os.pidfd_open(pid)
        poll = select.poll()
        orders, *others = self.ends
        for descriptor in (*others, process, channel):
            poll.register(descriptor, select.POLLIN)
        clock = Clock(pid, timeout)
        self.asked.pid, self.asked.granted, self.asked.started = pid, 0, 0
        self._send_setup()
        try:
            while not (self.finished or self.failure):
                if self._unsent:
                    poll.register(orders, select.POLLOUT)
                events = dict(poll.poll(max(0.0, clock.due - time.monotonic()) * 1000 + 1))
                if channel in events:
                    os._exit(0)  # and with us our children
                if orders in events:
                    self._push()
                    poll.unregister(orders)
                if self.ends.printed in events and not self._print():
                    poll.unregister(self.ends.printed)
                if self.ends.reports in events:
                    piece = os.read(self.ends.reports, 65536)
                    if not piece:
                        poll.unregister(self.ends.reports)
                    elif self._take(piece):
                        clock.restart()
                        self._send_tokens()
                elif process in events:
                    break
                if self.ends.questions in events:  # after the reports: a fork follows "ready"
                    self.asked.answer(self.ends.questions)
                if not (self.finished or self.failure):
                    self.failure = clock.verdict()
        finally:
            with contextlib.suppress(BlockingIOError):
                while self._print():
                    pass
            os.close(process)

    def _print(self) -> bool:
        piece = os.read(self.ends.printed, 65536)
        self.output = (self.output + piece)[:OUTPUT_BYTES]
        self.tail = (self.tail + piece)[-TAIL_BYTES:]
        return bool(piece)

    def _take(self, piece: bytes) -> bool:
        """Take reports in; True if the next order is due."""
        *lines, rest = (self._rest + piece).split(b"\n")
        self._rest = rest[-8192:]
        due = False
        for line in lines:
            token, _, text = line.partition(b" ")
            kind, _, rest = text.partition(b" ")
            if token == self._tokens.get(b"r"):
                self.ready = due = kind == b"ready"
                self.failure = {} if self.ready else _checked(rest)
            elif token == self._tokens.get(b"s") and kind == b"said":
                self.said = self.said or _checked(rest)
            elif token == self._tokens.get(b"d") and kind == b"done" and rest.isdigit():
                self.done.append(_outcome(self.said, int(rest)))
                self.said, due = {}, True
        return due

    def stops(self) -> bool:
        """Whether no further case is to be run."""
        if not self.done:
            return False
        passed = self.done[-1]["status"] == "passed"
        return bool(self.job["stop_on_pass" if passed else "stop_on_failure"])

    def outcomes(self) -> list[dict[str, Any]]:
        """What became of the cases that this child settled, at least one."""
        lost = self.failure or {"status": "crash", "message": "ended before its verdict"}
        if not self.ready:
            # Nothing of the set-up depends on the case: what became of one becomes of all.
            return [lost] * (1 if self.job["stop_on_failure"] else len(self.cases))
        return self.done if self.finished else [*self.done, lost]


def _checked(text: bytes) -> dict[str, Any]:
    """Read what a child tells of a case; {} if it is not of the right form."""
    try:
        told = json.loads(text)
        kinds = {"status": str, "message": str, "part": str, "line": int}
        found = {k: told[k] for k, kind in kinds.items() if isinstance(told.get(k), kind)}
    except (ValueError, AttributeError):
        return {}
    return found if _STATUS.fullmatch(found.get("status", "")) else {}


def _outcome(said: dict[str, Any], wait_status: int) -> dict[str, Any]:
    """Decide a case from what its process told and from how it ended."""
    if os.WIFSIGNALED(wait_status):
        return {"status": "crash", "message": f"ended by signal {os.WTERMSIG(wait_status)}"}
    code = os.WEXITSTATUS(wait_status)
    if said and code == (0 if said["status"] == "passed" else 1):
        return said
    return {"status": "crash", "message": f"ended with exit code {code} before its verdict"}


class Clock:
    """CPU time of a child and its children since the last step, and the wall behind it.

    Attributes
    ----------
    due : when `verdict` is to be asked again.
    """

    def __init__(self, pid: int, timeout: float) -> None:
        self.pid, self.timeout = pid, timeout
        self.restart()

    def restart(self) -> None:
        """Begin a new step."""
        self.began, self.base, self.waited = time.monotonic(), _cpu_seconds([self.pid]), -1.0
        self.due = self.began + self.timeout / _CPUS

    def verdict(self) -> dict[str, Any]:
        """Whether the time of this step is up, and by which clock; {} if not."""
        now = time.monotonic()
        if now < self.due:
            return {}
        pids = [self.pid]
        with contextlib.suppress(OSError):
            children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
            pids += map(int, children.split())
        used, waited = _cpu_seconds(pids) - self.base, _seconds_without_processor(pids)
        if self.waited < 0:  # only where a step takes so long
            self.waited = waited
        if used >= self.timeout:
            return {"status": "timeout", "limit": "cpu"}
        latest = self.began + WALL_TIMES * self.timeout
        if now >= latest:
            starved = waited - self.waited > _STARVED * (now - self.began)
            return {"status": "timeout", "limit": "wall", "starved": starved}
        self.due = min(now + max(0.02, (self.timeout - used) / _CPUS), latest)
        return {}


def _cpu_seconds(pids: list[int]) -> float:
    total = 0.0
    for pid in pids:
        with contextlib.suppress(OSError):
            total += time.clock_gettime((~pid << 3) | 2)  # the kernel's clock of a process
    return total


def _seconds_without_processor(pids: list[int]) -> float:
    """How long processes were ready to run and did not."""
    total = 0.0
    for pid in pids:
        with contextlib.suppress(OSError, ValueError, IndexError):
            total += int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    return total
