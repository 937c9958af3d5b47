"""The inside of the sandbox, run as a script by a fresh interpreter: `zygote.py FD MODULES`.

Three kinds of process, each made by forking the one before:

zygote  has the heavy modules loaded and waits on FD for orders; runs no foreign code.
lane    process 1 of its own namespaces; takes one program at a time from the supervisor, watches
        the clock, and afterwards kills whatever is left. Runs no foreign code.
child   executes the set-up of one program, then each case (in a further fork, by default).

Foreign code can change anything in its own process, so the harness here keeps what it needs in
local names taken before that code starts, and a status counts only on a line that begins with the
program's nonce. Standard library only: the interpreter may lack everything else.
"""

import contextlib
import gc
import importlib
import json
import os
import re
import select
import shutil
import signal
import socket
import struct
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import isolation  # type: ignore[import-not-found]

sys.path.pop(0)

# Imported by so many solutions and tests that loading them once pays.
COMMON = (
    "bisect",
    "collections",
    "copy",
    "datetime",
    "decimal",
    "fractions",
    "functools",
    "heapq",
    "inspect",
    "itertools",
    "json",
    "math",
    "operator",
    "random",
    "re",
    "statistics",
    "string",
    "time",
    "typing",
    "unittest.mock",
)
_STATUS = re.compile(r"passed|assert|memory|error:\w+")
OUTPUT_BYTES = 65536
_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "Unable to allocate")


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


# -- zygote ------------------------------------------------------------------------------------


def serve(control: socket.socket, modules: list[str]) -> None:
    """Load `modules`, then fork a lane for every order until the supervisor is gone."""
    sys.dont_write_bytecode = True
    for name in ("PYTHONMALLOC", "GLIBC_TUNABLES", "PYTHONHASHSEED"):
        os.environ.pop(name, None)  # ours alone, and in force already
    if modules != ["-"]:
        for name in (*COMMON, *modules):
            with contextlib.suppress(Exception):  # the program's own import will tell
                importlib.import_module(name)
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # ended lanes need no burial
    while True:
        body, descriptors, _, _ = socket.recv_fds(control, 65536, 1)
        if not body:
            return
        channel = socket.socket(fileno=descriptors[0])
        if os.fork() == 0:
            control.close()
            try:
                start_lane(channel, json.loads(body))
            finally:
                os._exit(0)
        channel.close()


def start_lane(channel: socket.socket, order: dict[str, Any]) -> None:
    """Enter the namespaces, fork process 1 of them and wait for its end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    isolation.die_with_parent()
    os.setsid()
    wanted = order["isolation"] != "weak"
    isolated = wanted and isolation.enter_namespaces()
    supervisor_pid = os.getpid()
    pid = os.fork()
    if pid:
        channel.close()
        os.waitpid(pid, 0)
        return
    isolation.die_with_parent()
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    if isolated:
        try:
            isolation.seal_filesystem(order["home"], order["uid"], order["uid"])
        except OSError:
            isolated = False
    if not isolated and os.geteuid() == 0:
        os.chown(order["home"], order["uid"], order["uid"])
    Lane(channel, order, isolated).work(supervisor_pid)


# -- lane --------------------------------------------------------------------------------------


class Lane:
    """Runs one program after the other, each in a child of its own."""

    def __init__(self, channel: socket.socket, order: dict[str, Any], isolated: bool) -> None:
        self.channel = channel
        self.output = -1
        self.home: str = order["home"]
        self.uid: int = order["uid"]
        self.isolated = isolated
        self.limits: dict[str, float] = order["limits"]
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

    def run(self, job: dict[str, Any]) -> list[str]:
        """Run the cases of one program, with a new child after each lost one."""
        statuses: list[str] = []
        count = len(job["cases"])
        while len(statuses) < count:
            found, stray, finished = self.attempt(job, len(statuses))
            if stray:
                # It left a process behind: no case of it has ended cleanly.
                return ["crash"] * min(count, len(statuses) + max(1, len(found)))
            statuses += found
            if finished or _stops(job, statuses):
                break
        return statuses

    def attempt(self, job: dict[str, Any], start: int) -> tuple[list[str], bool, bool]:
        """Run one child from case `start` on until it ends, hangs or dies.

        Returns
        -------
        Statuses from `start` on (at least one), whether processes were left behind, and whether
        the child came to its own end.
        """
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
        return watch.statuses(), stray, watch.finished

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
        self.fork_switch: Callable[[bool], None] | None = None
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


def _stops(job: dict[str, Any], statuses: list[str]) -> bool:
    if not statuses:
        return False
    passed = statuses[-1] == "passed"
    return bool((job["stop_on_failure"] and not passed) or (job["stop_on_pass"] and passed))


class Watch:
    """What a lane knows of a running child, from the lines with the nonce and from the clock."""

    def __init__(self, job: dict[str, Any], start: int, timeout: float) -> None:
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


# -- child -------------------------------------------------------------------------------------


def status_of(error: BaseException) -> str:
    """Name what ended a case."""
    if isinstance(error, MemoryError):
        return "memory"
    if isinstance(error, AssertionError):
        return "assert"
    if isinstance(error, RuntimeError) and any(sign in str(error) for sign in _OUT_OF_MEMORY):
        return "memory"
    name = re.sub(r"\W", "_", type(error).__name__)[:64] or "Exception"
    return f"error:{name}"


def run_child(
    job: dict[str, Any],
    start: int,
    writing: int,
    confine_leaf: Callable[[], None],
    fork_switch: Callable[[bool], None] | None,
) -> None:
    """Execute the set-up and the cases from `start` on, telling the lane; never returns.

    Everything used after foreign code has run is a local name bound before it ran.
    """
    write, leave, fork, wait, getpid = os.write, os._exit, os.fork, os.waitpid, os.getpid
    run, translate, describe = exec, compile, status_of
    nonce = job["nonce"].encode()
    said, passed_line = b"\n" + nonce + b" said %s\n", b"\n" + nonce + b" said passed\n"
    ready, end = b"\n" + nonce + b" ready\n", b"\n" + nonce + b" end\n"
    done = b"\n" + nonce + b" done %d\n"
    cases, isolate = job["cases"], job["isolate_cases"]
    stop_on_failure, stop_on_pass = job["stop_on_failure"], job["stop_on_pass"]
    flush = sys.stdout.flush if job["capture"] and sys.stdout is not None else None
    own = getpid()
    module = types.ModuleType("candidate")
    sys.modules["candidate"] = module
    namespace = module.__dict__
    random_state: Any = None
    restore: Any = None
    if not isolate:
        confine_leaf()

    try:
        for name, source in job["setup"]:
            run(translate(source, f"<{name}>", "exec", 0, True), namespace)
            if name == "seed" and "random" in sys.modules:
                # A fork reseeds `random`; what the set-up seeded must still hold afterwards.
                restore = sys.modules["random"].setstate
                random_state = sys.modules["random"].getstate()
        if flush is not None:
            flush()  # or every case would inherit the buffer and print it again
    except BaseException as error:
        if getpid() == own:
            write(writing, b"\n" + nonce + b" setup " + describe(error).encode() + b"\n")
        leave(0)
    if getpid() != own:  # a copy of us that the set-up made has no say
        leave(1)
    write(writing, ready)

    def run_case(source: str, owner: int) -> bool:
        try:
            if restore is not None:
                restore(random_state)
            run(translate(source, "<test>", "exec", 0, True), namespace)
            if flush is not None:
                flush()
        except BaseException as error:
            if getpid() == owner:
                write(writing, said % describe(error).encode())
            return False
        if getpid() != owner:
            leave(1)
        write(writing, passed_line)
        return True

    for source in cases[start:]:
        if isolate:
            if fork_switch is not None:
                fork_switch(True)
            pid = fork()
            if fork_switch is not None:
                fork_switch(False)
            if pid == 0:
                confine_leaf()
                leave(0 if run_case(source, getpid()) else 1)
            code = wait(pid, 0)[1]
        else:
            code = 0 if run_case(source, own) else 256
        write(writing, done % code)
        if (stop_on_failure and code) or (stop_on_pass and not code):
            break
    write(writing, end)
    leave(0)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2].split(","))
