"""What a lane knows of a running child: from its reports, its output and its clocks."""

import contextlib
import json
import os
import re
import secrets
import select
import struct
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_STATUS = re.compile(r"passed|assert|memory|crash|error:\w+")
OUTPUT_BYTES, TAIL_BYTES = 65536, 2048
WALL_TIMES = 4
# Waited for a processor for a quarter of its time: the machine was busy, not the program idle.
_STARVED = 0.25
_CPUS = len(os.sched_getaffinity(0))


class SupervisorGoneError(Exception):
    """The process that asked for verdicts has ended."""


class Watch:
    """Sends the set-up and case after case to a child and notes what becomes of each.

    Parameters
    ----------
    job : what the supervisor sent.
    start : the first case to run.
    timeout : CPU seconds of each step.
    """

    def __init__(self, job: dict[str, Any], start: int, timeout: float) -> None:
        self.job, self.timeout = job, timeout
        self.cases: list[str] = job["cases"][start:]
        self.done: list[dict[str, Any]] = []
        self.said: dict[str, Any] = {}  # told for the case that runs, until its process has ended
        self.ready = False  # the set-up is through
        self.finished = False  # the child came to its own end
        self.ended = False  # the child process is gone
        self.failure: dict[str, Any] = {}  # why the cases after `done` have no status of their own
        self.output, self.tail = b"", b""
        self._rest = b""
        self._tokens: dict[bytes, bytes] = {}
        self._unsent = b""

    # -- orders --------------------------------------------------------------------------------

    # The child never waits for us: a case lies in the pipe before the one ahead of it has ended,
    # and its tokens as soon as that is done. What is read from a pipe is gone: whoever reads ahead
    # robs the harness of it.

    def send_setup(self, orders: int, supervision: Any) -> None:
        """Send the set-up, the token of its report and the first case."""
        flags = ("isolate_cases", "stop_on_failure", "stop_on_pass")
        texts = [self.job["setup"], *(self.job[flag] for flag in flags)]
        self._tokens = {kind: secrets.token_hex(16).encode() for kind in (b"r", b"s", b"d")}
        supervision.granted = supervision.started = 0
        self._send(orders, json.dumps(texts).encode(), b"r" + self._tokens[b"r"], self._case(0))

    def _send_tokens(self, orders: int, supervision: Any) -> None:
        """Send the tokens of the case that comes next, and the case behind it."""
        number = len(self.done)
        if number == len(self.cases) or self.stops():
            self.finished = True
            return
        self._tokens = {kind: secrets.token_hex(16).encode() for kind in (b"s", b"d")}
        supervision.granted = 2  # it may be one ahead
        tokens = (kind + token for kind, token in self._tokens.items())
        self._send(orders, *tokens, self._case(number + 1))

    def _case(self, number: int) -> bytes:
        if number >= len(self.cases):
            return b""
        return self.cases[number].encode("utf-8", "replace") or b"\n"

    def _send(self, orders: int, *parts: bytes) -> None:
        self._unsent += b"".join(struct.pack("!I", len(part)) + part for part in parts)
        self._push(orders)

    def _push(self, orders: int) -> None:
        try:
            while self._unsent:
                self._unsent = self._unsent[os.write(orders, self._unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            self._unsent = b""  # the child is gone: its end says so

    # -- watching ------------------------------------------------------------------------------

    def follow(
        self,
        pid: int,
        *,
        orders: int,
        reports: int,
        printed: Sequence[int],
        questions: int,
        supervision: Any,
        channel: int,
    ) -> None:
        """Answer and read the child until it ends, is stopped, or runs over its time.

        Raises
        ------
        SupervisorGoneError : the other end of `channel` was closed.
        """
        process = os.pidfd_open(pid)
        poll = select.poll()
        for descriptor in (reports, process, channel, *printed, questions):
            if descriptor >= 0:
                poll.register(descriptor, select.POLLIN)
        clock = Clock(pid, self.timeout)
        supervision.pid = pid
        self.send_setup(orders, supervision)
        try:
            while not self.finished:
                if self._unsent:
                    poll.register(orders, select.POLLOUT)
                events = dict(poll.poll(max(0.0, clock.pause()) * 1000))
                if channel in events:
                    raise SupervisorGoneError
                if orders in events:
                    self._push(orders)
                    poll.unregister(orders)
                for number, descriptor in enumerate(printed):
                    if descriptor in events and not self._print(number, descriptor):
                        poll.unregister(descriptor)
                if reports in events:
                    piece = os.read(reports, 65536)
                    if not piece:
                        poll.unregister(reports)
                    elif self.take(piece):
                        clock.restart()
                        self._send_tokens(orders, supervision)
                elif process in events:
                    self.ended = True
                    break
                if questions in events:  # after the reports: a fork follows "ready" or "done"
                    supervision.answer(questions)
                if not self.finished and (late := clock.verdict()):
                    self.failure = late
                    return
            if self.finished and not self.ended:
                self.ended = bool(select.select([process], [], [], 1.0)[0])
        finally:
            for number, descriptor in enumerate(printed):
                with contextlib.suppress(BlockingIOError):
                    while self._print(number, descriptor):
                        pass
            os.close(process)

    def _print(self, number: int, descriptor: int) -> bool:
        piece = os.read(descriptor, 65536)
        if number == 0 and self.job["capture"]:
            self.output = (self.output + piece)[:OUTPUT_BYTES]
        self.tail = (self.tail + piece)[-TAIL_BYTES:]
        return bool(piece)

    def take(self, piece: bytes) -> bool:
        """Take reports in; True if the next order is due."""
        *lines, rest = (self._rest + piece).split(b"\n")
        self._rest = rest[-8192:]
        due = False
        for line in lines:
            token, _, text = line.partition(b" ")
            kind, _, rest = text.partition(b" ")
            if token == self._tokens.get(b"r"):
                due = due or self._take_setup(kind, rest)
            elif token == self._tokens.get(b"s") and kind == b"said":
                self.said = self.said or _checked(rest)
            elif token == self._tokens.get(b"d") and kind == b"done" and rest.isdigit():
                self.done.append(_outcome(self.said, int(rest)))
                self.said, due = {}, True
        return due

    def _take_setup(self, kind: bytes, rest: bytes) -> bool:
        if kind == b"ready":
            self.ready = True
        else:
            self.failure = _checked(rest)
            self.finished = bool(self.failure)
        return self.ready

    def stops(self) -> bool:
        """Whether no further case is to be run."""
        if not self.done:
            return False
        passed = self.done[-1]["status"] == "passed"
        return bool(
            (self.job["stop_on_failure"] and not passed) or (self.job["stop_on_pass"] and passed)
        )

    def outcomes(self) -> list[dict[str, Any]]:
        """What became of the cases that this child settled, at least one."""
        lost = self.failure or {"status": "crash"}
        if not self.ready:
            # Nothing of the set-up depends on the case: what became of one becomes of all.
            return [lost] * (1 if self.job["stop_on_failure"] else len(self.cases))
        if self.stops() or len(self.done) == len(self.cases):
            return self.done
        return [*self.done, lost]


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
    """CPU time of a child and its children since the last step, and the wall behind it."""

    def __init__(self, pid: int, timeout: float) -> None:
        self.pid, self.timeout = pid, timeout
        self.restart()

    def restart(self) -> None:
        """Begin a new step."""
        self.began = self.checked = time.monotonic()
        self.base, self.waited = self._used([self.pid]), -1.0
        self.next = self.timeout / _CPUS

    def pause(self) -> float:
        """Seconds until the clocks must be read again."""
        due = min(self.checked + self.next, self.began + WALL_TIMES * self.timeout)
        return due - time.monotonic() + 0.001

    def verdict(self) -> dict[str, Any]:
        """Whether the time of this step is up, and by which clock; {} if not."""
        now = time.monotonic()
        if now < min(self.checked + self.next, self.began + WALL_TIMES * self.timeout):
            return {}
        pids = [self.pid, *_children(self.pid)]
        used = self._used(pids) - self.base
        if self.waited < 0:  # only where a step takes so long
            self.waited = self._delay(pids)
        if used >= self.timeout:
            return {"status": "timeout", "limit": "cpu"}
        if now >= self.began + WALL_TIMES * self.timeout:
            delay = self._delay(pids) - self.waited
            starved = delay > _STARVED * (now - self.began)
            return {"status": "timeout", "limit": "wall", "starved": starved}
        self.checked, self.next = now, max(0.02, (self.timeout - used) / _CPUS)
        return {}

    def _used(self, pids: list[int]) -> float:
        total = 0.0
        for pid in pids:
            with contextlib.suppress(OSError):
                total += time.clock_gettime((~pid << 3) | 2)  # the kernel's clock of a process
        return total

    def _delay(self, pids: list[int]) -> float:
        """Seconds that processes were ready to run and had no processor."""
        total = 0.0
        for pid in pids:
            with contextlib.suppress(OSError, ValueError, IndexError):
                total += int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
        return total


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
