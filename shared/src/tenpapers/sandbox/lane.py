"""The lane of the sandbox: runs one program after the other, each in a child of its own.

It watches the clock and afterwards kills whatever is left. Foreign code never runs here; what a
child says is believed only as far as a program could not have said it (see `child`). Standard
library only: the interpreter may lack everything else.
"""

import contextlib
import json
import os
import re
import select
import shutil
import signal
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

if TYPE_CHECKING:
    from . import isolation
    from .child import Job, run_child
else:  # `zygote` runs as a script, without the package around it
    import isolation
    from child import Job, run_child

OUTPUT_BYTES = 65536
_STATUS = re.compile(r"passed|assert|memory|error:\w+")


class Order(TypedDict):
    """What the supervisor asks of a new lane: its folder, its user, and `Limits` by name."""

    home: str
    uid: int
    isolation: str
    limits: dict[str, float]


class Attempt(NamedTuple):
    """What became of one child.

    Parameters
    ----------
    statuses : of the cases that it settled, at least one.
    stray : whether it left processes behind.
    finished : whether it came to its own end.
    """

    statuses: list[str]
    stray: bool
    finished: bool


def receive(channel: socket.socket) -> Any:
    """Read one length-prefixed JSON message; None when the other end is gone."""
    head = _read_exactly(channel, 4)
    body = _read_exactly(channel, struct.unpack("!I", head)[0]) if head else b""
    return json.loads(body) if body else None


def _read_exactly(channel: socket.socket, count: int) -> bytes:
    pieces = []
    while count:
        piece = channel.recv(min(count, 1 << 20))
        if not piece:
            return b""
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)


def send(channel: socket.socket, message: Any) -> None:
    """Write one length-prefixed JSON message."""
    body = json.dumps(message).encode()
    channel.sendall(struct.pack("!I", len(body)) + body)


class Lane:
    """Runs one program after the other, each in a child of its own.

    Parameters
    ----------
    channel : to the supervisor.
    order : what it asked for.
    isolated : whether this process is alone in its namespaces.
    """

    def __init__(self, channel: socket.socket, order: Order, isolated: bool) -> None:
        self.channel = channel
        self.output = -1
        self.home = order["home"]
        self.uid = order["uid"]
        self.isolated = isolated
        self.limits = order["limits"]
        self.fork_switch: Callable[[bool], None] | None = None
        self.memory = isolation.mapped_bytes() + int(self.limits["memory_gb"] * 2**30)
        self.filters = (isolation.base_filter(), isolation.no_fork_filter())
        if not isolated:
            isolation.adopt_orphans()

    def work(self, pid: int) -> None:
        """Say hello, then answer programs until the supervisor is gone."""
        send(self.channel, {"pid": pid, "isolated": self.isolated})
        while (job := receive(self.channel)) is not None:
            began = time.monotonic()
            self.output = os.memfd_create("output") if job["capture"] else -1
            answer: dict[str, Any] = {"statuses": self.run(job)}
            answer["seconds"] = round(time.monotonic() - began, 6)
            if job["capture"]:
                os.lseek(self.output, 0, os.SEEK_SET)
                answer["output"] = os.read(self.output, OUTPUT_BYTES).decode("utf-8", "replace")
                os.close(self.output)
            send(self.channel, answer)

    def run(self, job: Job) -> list[str]:
        """Run the cases of one program, with a new child after each lost one."""
        statuses: list[str] = []
        count = len(job["cases"])
        while len(statuses) < count:
            attempt = self.attempt(job, len(statuses))
            if attempt.stray:
                # It left a process behind: no case of it has ended cleanly.
                return ["crash"] * min(count, len(statuses) + max(1, len(attempt.statuses)))
            statuses += attempt.statuses
            if attempt.finished or _stops(job, statuses):
                break
        return statuses

    def attempt(self, job: Job, start: int) -> Attempt:
        """Run one child from case `start` on until it ends, hangs or dies."""
        reading, writing = os.pipe2(os.O_CLOEXEC)
        pid = os.fork()
        if pid == 0:
            try:
                os.close(reading)
                self.channel.close()
                self.confine(len(job["cases"]) if not job["isolate_cases"] else 1)
                run_child(job, start, writing, self.leaf_confinement(), self.fork_switch)
            finally:
                os._exit(1)
        os.close(writing)
        watch = Watch(job, start, self.limits["timeout"])
        try:
            watch.follow(reading, pid, self.channel)
        finally:
            os.close(reading)
            stray = self.clean_up(pid, watch.ended)
        return Attempt(watch.statuses(), stray, watch.finished)

    def confine(self, cases: int) -> None:
        """Give up everything a program does not need (in the child, before its first line)."""
        os.setsid()
        os.chdir(self.home)
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        os.close(null)
        if self.output >= 0:
            os.dup2(self.output, 1)
            os.close(self.output)
        os.environ["HOME"] = os.environ["TMPDIR"] = self.home
        isolation.set_limits(
            cpu=(self.limits["timeout"] + 1) * cases,
            memory=self.memory,
            file_bytes=int(self.limits["file_mb"]) * 2**20,
            processes=int(self.limits["processes"]),
        )
        isolation.drop_privileges(self.uid, self.uid)
        if not self.isolated:
            self.fork_switch = isolation.refuse_by_audit(self.home)
        if self.filters[0] is not None:
            self.filters[0]()

    def leaf_confinement(self) -> Callable[[], None]:
        """What a process that runs cases gives up on top: making further processes."""
        install = self.filters[1]
        return install if install is not None else lambda: None

    def clean_up(self, pid: int, ended: bool) -> bool:
        """Kill what is left, empty the working folder; say whether processes had been left."""
        if ended:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
        stray = False
        if self.isolated:
            stray = ended and _signal_all(0)
            while _signal_all(signal.SIGKILL):
                _bury()
                time.sleep(0.0005)
            _bury()
        else:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            while children := _children():
                stray = stray or (ended and any(child != pid for child in children))
                for child in children:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(child, signal.SIGKILL)
                _bury()
                time.sleep(0.0005)
        with os.scandir(self.home) as entries:
            dirty = next(entries, None) is not None
        if dirty and self.isolated:
            isolation.empty_home(self.home, self.uid, self.uid)
        elif dirty:
            for entry in Path(self.home).iterdir():
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry, ignore_errors=True)
                else:
                    entry.unlink(missing_ok=True)
        return stray


def _signal_all(number: int) -> bool:
    """Send a signal to every other process of the namespace; False when there is none."""
    try:
        os.kill(-1, number)
    except ProcessLookupError:
        return False
    return True


def _bury() -> bool:
    """Collect ended children; True while some are still ending."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _children() -> list[int]:
    text = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    return [int(word) for word in text.split()]


def _stops(job: Job, statuses: list[str]) -> bool:
    if not statuses:
        return False
    passed = statuses[-1] == "passed"
    return bool((job["stop_on_failure"] and not passed) or (job["stop_on_pass"] and passed))


class Watch:
    """What a lane knows of a running child, from the lines with the nonce and from the clock."""

    def __init__(self, job: Job, start: int, timeout: float) -> None:
        self.job = job
        self.nonce = job["nonce"].encode()
        self.timeout = timeout
        self.left = len(job["cases"]) - start
        self.done: list[str] = []
        self.said = ""  # the status told for the case that runs, until its process has ended
        self.ready = False  # the set-up is through
        self.finished = False  # the child came to its own end
        self.ended = False  # the child process is gone
        self.failure = ""  # why the cases after `done` have no status of their own
        self.rest = b""

    def follow(self, reading: int, pid: int, channel: socket.socket) -> None:
        """Read the child's lines until it ends, is stopped, or runs over its time."""
        process = os.pidfd_open(pid)
        poll = select.poll()
        for descriptor in (reading, process, channel.fileno()):
            poll.register(descriptor, select.POLLIN | select.POLLHUP)
        deadline = time.monotonic() + self.timeout
        try:
            while not self.finished:
                wait = deadline - time.monotonic()
                events = dict(poll.poll(max(0.0, wait) * 1000)) if wait > 0 else {}
                if not events:
                    self.failure = "timeout"
                    return
                if channel.fileno() in events:
                    os._exit(0)  # the supervisor is gone, and with us the namespace goes
                if reading in events:
                    piece = os.read(reading, 65536)
                    if not piece:
                        poll.unregister(reading)
                    elif self.take(piece):
                        deadline = time.monotonic() + self.timeout
                    if _stops(self.job, self.done):
                        return
                elif process in events:
                    self.ended = True
                    break
            if self.finished and not self.ended:
                self.ended = bool(select.select([process], [], [], 1.0)[0])
        finally:
            os.close(process)

    def take(self, piece: bytes) -> bool:
        """Take lines in; True if the child got one step further."""
        *lines, rest = (self.rest + piece).split(b"\n")
        self.rest = rest[-4096:]
        progress = False
        for line in lines:
            words = line.split(b" ")
            if words[0] == self.nonce and len(words) > 1:
                progress = self.step([word.decode("ascii", "replace") for word in words[1:]])
        return progress

    def step(self, words: list[str]) -> bool:
        """Take one line of the harness in."""
        kind, *rest = words
        if kind == "ready":
            self.ready = True
        elif kind == "setup" and rest and _STATUS.fullmatch(rest[0]) and rest[0] != "passed":
            self.failure = rest[0]
            self.finished = True
        elif kind == "said" and rest and _STATUS.fullmatch(rest[0]):
            self.said = self.said or rest[0]
            return False
        elif kind == "done" and rest and rest[0].isdigit():
            self.done.append(_outcome(self.said, int(rest[0])))
            self.said = ""
        elif kind == "end":
            self.finished = True
        return True

    def statuses(self) -> list[str]:
        """Statuses of the cases that this child settled, at least one."""
        done = self.done[: self.left]
        if self.finished and not self.failure:
            return done or ["crash"] * self.left
        if not self.ready:
            # Nothing of the set-up depends on the case: what became of one becomes of all.
            failure = self.failure or "crash"
            settled = 1 if self.job["stop_on_failure"] else self.left
            return [failure] * settled
        if _stops(self.job, done) or len(done) == self.left:
            return done
        return [*done, self.failure or "crash"]


def _outcome(said: str, wait_status: int) -> str:
    """Decide a case from what its process told and from how it ended."""
    if os.WIFSIGNALED(wait_status):
        return "timeout" if os.WTERMSIG(wait_status) == signal.SIGXCPU else "crash"
    code = os.WEXITSTATUS(wait_status)
    if said == "passed":
        return "passed" if code == 0 else "crash"
    return said if said and code == 1 else "crash"
