"""The lane: process 1 of its own namespaces, takes one program after the other.

It runs no foreign code, watches the clock, answers what a child asks the kernel for, and afterwards
kills whatever is left. Written as generators, see `child`. Standard library only.
"""

import contextlib
import json
import mmap
import os
import shutil
import signal
import socket
import struct
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import landlock  # type: ignore[import-not-found]
import namespaces  # type: ignore[import-not-found]
import privileges  # type: ignore[import-not-found]
import syscalls  # type: ignore[import-not-found]
from child import Calls, Line, run_program  # type: ignore[import-not-found]
from refusals import refuse_by_audit  # type: ignore[import-not-found]
from view import View  # type: ignore[import-not-found]
from watch import OUTPUT_BYTES, SupervisorGoneError, Watch  # type: ignore[import-not-found]

Outcomes = list[dict[str, Any]]


class BrokenError(Exception):
    """A child could not be made: the sandbox's fault, not the program's."""


def read_exactly(channel: socket.socket, count: int) -> mmap.mmap | None:
    """Read bytes into memory that a fork does not inherit; None when the other end is gone."""
    memory = mmap.mmap(-1, max(count, 1))
    with contextlib.suppress(OSError):
        memory.madvise(mmap.MADV_DONTFORK)
    view, have = memoryview(memory), 0
    while have < count:
        got = channel.recv_into(view[have:count])
        if not got:
            return None
        have += got
    view.release()
    return memory


def receive(channel: socket.socket) -> mmap.mmap | None:
    """Read one length-prefixed message, unparsed; None when the other end is gone."""
    head = channel.recv(4, socket.MSG_WAITALL)
    return read_exactly(channel, struct.unpack("!I", head)[0]) if len(head) == 4 else None


def send(channel: socket.socket, message: Any) -> None:
    """Write one length-prefixed JSON message."""
    body = json.dumps(message).encode()
    channel.sendall(struct.pack("!I", len(body)) + body)


class Lane:
    """Runs one program after the other, each in a child of its own.

    Parameters
    ----------
    channel : to the supervisor.
    order : `home`, `limits` and `barrier`: its kind, the `user` to become (None: stay), and whether
        the kernel asks us about each new process (`supervised`) or counts them by user.
    """

    def __init__(self, channel: socket.socket, order: dict[str, Any], view: View) -> None:
        self.channel, self.home = channel, str(order["home"])
        self.limits: dict[str, float] = order["limits"]
        self.kind = str(order["barrier"]["kind"])
        self.supervised = bool(order["barrier"]["supervised"])
        self.user: int | None = order["barrier"]["user"]
        self.owner = (os.getuid(), os.getgid()) if self.user is None else (self.user, self.user)
        self.memory = privileges.mapped_bytes() + int(self.limits["memory_gb"] * 2**30)
        self.processes: int | None = None
        if not self.supervised:
            others = privileges.tasks_of_user() if self.user is None else 0
            self.processes = int(self.limits["processes"]) + others
        if self.kind == "namespaces":
            namespaces.seal_filesystem(self.home, *self.owner, view)
        else:
            privileges.adopt_orphans()
            if self.user is not None:
                os.chown(self.home, *self.owner)
        self.supervision = syscalls.Supervision(int(self.limits["processes"]))
        self.rules = landlock.ruleset(self.home, view) if self.kind == "landlock" else -1
        isolated = self.kind == "namespaces"
        self.filter = syscalls.installer(syscalls.allow_list(namespaces=isolated))
        self.no_forks = syscalls.installer(
            syscalls.unsupervised_calls(forks=False, signals=isolated)
        )
        self.no_signals = syscalls.installer(
            syscalls.unsupervised_calls(forks=True, signals=isolated)
        )
        self.questions = syscalls.supervised_calls()
        # Done once here, so that every child inherits it.
        privileges.become(self.user)
        privileges.set_limits(
            memory=self.memory,
            file_bytes=int(self.limits["file_mb"] * 2**20),
            processes=self.processes,
        )

    def work(self, pid: int) -> Calls:
        """Say hello, then answer programs until the supervisor is gone."""
        send(self.channel, {"pid": pid})
        while (job := receive(self.channel)) is not None:
            began = time.monotonic()
            answer = yield from self.run(job)
            job.close()
            answer["seconds"] = round(time.monotonic() - began, 6)
            send(self.channel, answer)

    def run(self, raw: mmap.mmap) -> Generator[Callable[[], Any], None, dict[str, Any]]:
        """Run the cases of one program, with a new child after each lost one."""
        found: Outcomes = []
        output = tail = b""
        while True:
            try:
                watch, stray, count = yield from self.attempt(raw, len(found))
            except BrokenError as error:
                return {"broken": str(error)}
            output, tail = (output + watch.output)[:OUTPUT_BYTES], watch.tail or tail
            outcomes = watch.outcomes()
            if stray:
                # It left a process behind: no case of it has ended cleanly.
                message = "left a process behind"
                settled = min(count, len(found) + max(1, len(outcomes)))
                found = [{"status": "crash", "message": message}] * settled
                break
            found += outcomes
            if watch.finished or watch.stops() or len(found) >= count:
                break
        answer: dict[str, Any] = {"outcomes": found[:count]}
        answer["output"] = output.decode("utf-8", "replace")
        if any(outcome["status"] != "passed" for outcome in found):
            answer["tail"] = tail.decode("utf-8", "replace")
        return answer

    def attempt(
        self, raw: mmap.mmap, start: int
    ) -> Generator[Callable[[], Any], None, tuple[Watch, bool, int]]:
        """Run one child from case `start` on until it ends, hangs or dies.

        Returns
        -------
        What was seen, whether processes were left behind, and how many cases the program has.

        The child is forked before the program is parsed: nothing of it is on the child's heap.
        """
        greeting, theirs = socket.socketpair()
        (taking, orders), (reading, writing) = os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC)
        printed = [os.pipe2(os.O_CLOEXEC) for _ in range(2)]
        pid = os.fork()
        if pid == 0:
            try:
                self.confine(theirs, (taking, writing), [end for _, end in printed])
                yield from run_program(Line(3, 4), self.confine_leaf)
            finally:
                os._exit(1)
        theirs.close()
        for end in (taking, writing, printed[0][1], printed[1][1]):
            os.close(end)
        for end in (orders, printed[0][0], printed[1][0]):
            os.set_blocking(end, False)
        questions: list[int] = []
        ended = False
        try:
            if self.supervised:
                word, questions, _, _ = socket.recv_fds(greeting, 4096, 1)
                if not questions:
                    raise BrokenError(word.decode("utf-8", "replace"))
            job = json.loads(raw[:])
            watch = Watch(job, start, job["timeout"] or self.limits["timeout"])
            watch.follow(
                pid,
                orders=orders,
                reports=reading,
                printed=[end for end, _ in printed],
                questions=questions[0] if questions else -1,
                supervision=self.supervision,
                channel=self.channel.fileno(),
            )
            ended = watch.ended
            if not (self.supervised or watch.ready):
                word = greeting.recv(4096)
                if word != b"ready":
                    raise BrokenError(word.decode("utf-8", "replace") or "died at its start")
        except SupervisorGoneError:
            self.clean_up(pid, ended=False)
            os._exit(0)  # and with us the namespace goes
        finally:
            stray = self.clean_up(pid, ended)
            greeting.close()
            for end in (orders, reading, printed[0][0], printed[1][0], *questions):
                os.close(end)
        return watch, stray, len(job["cases"])

    # -- in the child, before its first foreign line -------------------------------------------

    def confine(self, greeting: socket.socket, line: tuple[int, int], printed: list[int]) -> None:
        """Give up everything that a program does not need; tell the lane whether that worked."""
        try:
            questions = self._confine(printed)
        except OSError as error:
            greeting.send(f"{self.kind}: {error.strerror or error}".encode())
            os._exit(1)
        if questions:
            socket.send_fds(greeting, [b"ready"], questions)
        else:
            greeting.send(b"ready")
        # The line to the lane is 3 and 4 from here on; nothing else stays open.
        for descriptor, high in zip(line, (60, 61), strict=True):
            os.dup2(descriptor, high)
        for high, low in ((60, 3), (61, 4)):
            os.dup2(high, low)
        os.closerange(5, 1024)
        self.filter()

    def _confine(self, printed: list[int]) -> list[int]:
        os.setsid()
        os.chdir(self.home)
        null = os.open(os.devnull, os.O_RDWR)
        for number, descriptor in enumerate((null, *printed)):
            os.dup2(descriptor, number)
        os.environ["HOME"] = os.environ["TMPDIR"] = self.home
        privileges.drop_capabilities()
        if self.rules >= 0:
            landlock.restrict(self.rules)
        if self.kind == "weak":
            refuse_by_audit(self.home)
        if self.supervised:
            return [syscalls.listener(self.questions)]
        self.no_signals()
        return []

    def confine_leaf(self) -> None:
        """What a process that runs cases gives up on top: making further processes."""
        privileges.die_with_parent()
        if not self.supervised:
            self.no_forks()

    # -- afterwards ----------------------------------------------------------------------------

    def clean_up(self, pid: int, ended: bool) -> bool:
        """Kill what is left, empty the working folder; say whether processes had been left."""
        stray = False
        if self.kind == "namespaces":
            _bury()
            stray = ended and _signal_all(0)
            while _signal_all(signal.SIGKILL):
                _bury()
                time.sleep(0.0005)
            _bury()
        else:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            if ended:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, 0)
            stray = ended and _bury()
            while _bury():
                time.sleep(0.0005)
        with os.scandir(self.home) as entries:
            dirty = next(entries, None) is not None
        if dirty and self.kind == "namespaces":
            namespaces.empty_home(self.home, *self.owner)
        elif dirty:
            _empty(self.home)
        return stray


def _signal_all(number: int) -> bool:
    """Send a signal to every other process of the namespace; False when there is none."""
    try:
        os.kill(-1, number)
    except ProcessLookupError:
        return False
    return True


def _bury() -> bool:
    """Collect ended children; True while some are still there."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _empty(home: str) -> None:
    """Remove all that a program left, folders that nobody may read included."""
    for folder, inner, _ in os.walk(home):
        for path in (Path(folder, name) for name in inner):
            if not path.is_symlink():
                path.chmod(0o700)
    for entry in Path(home).iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
