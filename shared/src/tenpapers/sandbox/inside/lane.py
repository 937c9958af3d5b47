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
from child import Calls, Line, fork, run_program  # type: ignore[import-not-found]
from view import View  # type: ignore[import-not-found]
from watch import OUTPUT_BYTES, Ends, Watch  # type: ignore[import-not-found]

THREADS = 64  # of one program
FILE_BYTES = 1 << 20  # of one file that it writes


class BrokenError(Exception):
    """A child could not be made: the sandbox's fault, not the program's."""


def receive(channel: socket.socket) -> mmap.mmap | None:
    """Read one length-prefixed message into memory that a fork does not inherit.

    Returns
    -------
    The message, unparsed; None when the other end is gone.
    """
    head = channel.recv(4, socket.MSG_WAITALL)
    if len(head) < 4:
        return None
    size = struct.unpack("!I", head)[0]
    memory = mmap.mmap(-1, size)
    memory.madvise(mmap.MADV_DONTFORK)
    return memory if channel.recv_into(memory, size, socket.MSG_WAITALL) == size else None


def send(channel: socket.socket, message: object) -> None:
    """Write one length-prefixed JSON message."""
    body = json.dumps(message).encode()
    channel.sendall(struct.pack("!I", len(body)) + body)


class Lane:
    """Runs one program after the other, each in a child of its own.

    Parameters
    ----------
    channel : to the supervisor.
    order : `home`, `limits` and the kind of the `barrier`.

    Raises
    ------
    OSError : the kernel does not give this barrier.
    """

    def __init__(self, channel: socket.socket, order: dict[str, Any], view: View) -> None:
        self.channel, self.home = channel, str(order["home"])
        self.limits: dict[str, float] = order["limits"]
        kind = str(order["barrier"])
        memory = privileges.mapped_bytes() + int(self.limits["memory_gb"] * 2**30)
        self.rules = -1
        if kind == "namespaces":
            namespaces.seal_filesystem(self.home, view)
        elif kind == "landlock":
            self.rules = landlock.ruleset(self.home, view)
        privileges.adopt_orphans()
        self.supervision = syscalls.Supervision(THREADS)
        self.questions = syscalls.Filter(syscalls.supervised_calls())
        self.filter = syscalls.Filter(syscalls.allow_list(kind))
        # Done once here, so that every child inherits it.
        privileges.set_limits(memory=memory, file_bytes=FILE_BYTES)

    def work(self, pid: int) -> Calls:
        """Say hello, then answer programs until the supervisor is gone."""
        send(self.channel, {"pid": pid})
        while (job := receive(self.channel)) is not None:
            began = time.monotonic()
            answer = yield from self.run(job)
            job.close()
            answer["seconds"] = round(time.monotonic() - began, 6)
            send(self.channel, answer)

    def run(self, raw: mmap.mmap) -> Generator[Callable[[], object], None, dict[str, Any]]:
        """Run the cases of one program, with a new child after each lost one."""
        found: list[dict[str, Any]] = []
        output = tail = b""
        count = 1
        while len(found) < count:
            try:
                watch = yield from self.attempt(raw, len(found))
            except BrokenError as error:
                return {"broken": str(error)}
            count = len(watch.job["cases"])
            output, tail = (output + watch.output)[:OUTPUT_BYTES], watch.tail or tail
            found += watch.outcomes()
            late = sum(outcome.get("limit") == "cpu" for outcome in found)
            if 0 < watch.job["most_timeouts"] <= late:
                found += [{"status": "timeout", "message": "not run"}] * (count - len(found))
            # A child that did not finish was lost in a case, and that is a failure.
            if watch.finished or watch.job["stop_on_failure"]:
                break
        answer: dict[str, Any] = {"outcomes": found[:count]}
        if watch.job["capture"]:
            answer["output"] = output.decode("utf-8", "replace")
        if any(outcome["status"] != "passed" for outcome in found):
            answer["tail"] = tail.decode("utf-8", "replace")
        return answer

    def attempt(self, raw: mmap.mmap, start: int) -> Generator[Callable[[], object], None, Watch]:
        """Run one child from case `start` on until it ends, hangs or dies.

        The child is forked before the program is parsed: nothing of it is on the child's heap.
        """
        greeting, theirs = socket.socketpair()
        pipes = [os.pipe2(os.O_CLOEXEC) for _ in range(3)]
        (taking, orders), (reports, writing), (printed, printing) = pipes
        pid = fork()
        if pid == 0:
            try:
                self.confine(theirs, taking, writing, printing)
                yield from run_program(Line(3, 4))
            finally:
                os._exit(1)
        theirs.close()
        for end in (taking, writing, printing):
            os.close(end)
        os.set_blocking(orders, False)
        os.set_blocking(printed, False)
        ends = [orders, reports, printed]
        try:
            word, questions, _, _ = socket.recv_fds(greeting, 4096, 1)
            if not questions:
                raise BrokenError(word.decode("utf-8", "replace") or "died at its start")
            ends += questions
            watch = Watch(json.loads(raw[:]), start, Ends(*ends), self.supervision)
            timeout = watch.job["timeout"] or self.limits["timeout"]
            watch.follow(pid, timeout, self.channel.fileno())
        finally:
            self.clean_up(pid)
            greeting.close()
            for end in ends:
                os.close(end)
        return watch

    # -- in the child, before its first foreign line -------------------------------------------

    def confine(self, greeting: socket.socket, taking: int, writing: int, printing: int) -> None:
        """Give up everything that a program does not need; tell the lane whether that worked."""
        try:
            os.setsid()
            os.chdir(self.home)
            null = os.open(os.devnull, os.O_RDONLY)
            for number, descriptor in enumerate((null, printing, printing)):
                os.dup2(descriptor, number)
            os.environ["HOME"] = os.environ["TMPDIR"] = self.home
            privileges.drop_capabilities()
            if self.rules >= 0:
                landlock.restrict(self.rules)
            questions = self.questions.listen()
        except OSError as error:
            greeting.send(str(error.strerror or error).encode())
            os._exit(1)
        socket.send_fds(greeting, [b"ready"], [questions])
        # The line to the lane is 3 and 4 from here on; nothing else stays open.
        for descriptor, number in ((taking, 60), (writing, 61), (60, 3), (61, 4)):
            os.dup2(descriptor, number)
        os.closerange(5, 1024)
        self.filter.install()

    # -- afterwards ----------------------------------------------------------------------------

    def clean_up(self, pid: int) -> None:
        """Kill what is left and empty the working folder.

        A program cannot leave the child's process group, and without the lane's answer it has no
        more processes than the harness made.
        """
        for kill in (os.killpg, os.kill):  # the second where there is no group yet
            with contextlib.suppress(ProcessLookupError):
                kill(pid, signal.SIGKILL)
        while _bury():
            time.sleep(0.0005)
        with os.scandir(self.home) as entries:
            dirty = next(entries, None) is not None
        if dirty:
            _empty(self.home)


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
