"""What a program may ask of the kernel: an allow list of system calls, enforced by seccomp.

A call that is not on the list is answered with EPERM, one that is newer than the list with ENOSYS
(so that the C library takes the older one). Starting processes and sending signals are decided by
the lane, call by call (`Supervision`): a program may start threads, the harness one process a
case, and signals reach only the process itself. Standard library only; Linux 5.0 or newer.
"""

import contextlib
import ctypes
import errno
import fcntl
import os
import platform
import struct
from pathlib import Path

libc = ctypes.CDLL(None, use_errno=True)

# Read at once: behind a barrier the file is not there.
_TABLE = Path(__file__).with_name("system_calls.txt").read_text()
_ARCHITECTURE = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}

# name: (argument, mask, values, whether these values are the allowed or the refused ones).
_TRUNCATE_ONLY, _TRUNCATE_MASK = 0o1000, 0o1003
_WRITING = 0o1103  # to write, to create, to truncate
_ARGUMENTS = {
    "prlimit64": (0, 0xFFFFFFFF, (0,), True),  # limits of nobody else
    "sched_setaffinity": (0, 0xFFFFFFFF, (0,), True),
    "sendto": (4, 0xFFFFFFFF, (0,), True),  # to the other end of a pair, to no address
    "ioctl": (1, 0xFF00, (0x5400,), True),  # of terminals and pipes, none that changes files
    "fcntl": (1, 0xFFFFFFFF, (8, 10, 15), False),  # no signals by way of F_SETOWN, F_SETSIG
    "socketpair": (0, 0xFFFFFFFF, (1,), True),
    # Landlock before Linux 6.2 lets O_TRUNC without writing through.
    "open": (1, _TRUNCATE_MASK, (_TRUNCATE_ONLY,), False),
    "openat": (2, _TRUNCATE_MASK, (_TRUNCATE_ONLY,), False),
}

_LOAD, _EQUAL, _AT_LEAST, _AND, _RETURN = 0x20, 0x15, 0x35, 0x54, 0x06
_ALLOW, _ASK, _ERRNO = 0x7FFF0000, 0x7FC00000, 0x00050000
_REFUSE, _MISSING = _ERRNO | errno.EPERM, _ERRNO | errno.ENOSYS
PR_SET_NO_NEW_PRIVS, _NEW_LISTENER = 38, 8
CLONE_THREAD = 0x00010000
_PLAIN_FORK = 0xFF | 0x01000000 | 0x00200000  # exit signal, CHILD_SETTID, CHILD_CLEARTID

Step = tuple[int, int, int, int]


def check(result: int, what: str) -> int:
    """Give back what a call of the C library returned, or raise its error."""
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


class _FilterProgram(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]


def numbers(group: str) -> dict[str, int]:
    """Read a group of `system_calls.txt`: number on this processor by name.

    Raises
    ------
    OSError : there is no column for this processor.
    """
    if platform.machine() not in _ARCHITECTURE:
        raise OSError(errno.ENOSYS, f"no list of system calls for {platform.machine()}")
    column = _ARCHITECTURE[platform.machine()][0] + 1
    lines = _TABLE.partition(f"[{group}]\n")[2].partition("\n[")[0].splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    return {row[0]: int(row[column]) for row in rows if row[column] != "-"}


def _tree(starts: list[tuple[int, list[Step]]]) -> list[Step]:
    """Binary search: the last start that is not above the number decides."""
    if len(starts) == 1:
        return starts[0][1]
    half = len(starts) // 2
    low, high = _tree(starts[:half]), _tree(starts[half:])
    if len(low) > 255:  # further than a conditional jump reaches
        return [(_AT_LEAST, 0, 1, starts[half][0]), (0x05, 0, 0, len(low)), *low, *high]
    return [(_AT_LEAST, len(low), 0, starts[half][0]), *low, *high]


def _by_argument(position: int, mask: int, values: tuple[int, ...], allowed: bool) -> list[Step]:
    count = len(values)
    steps = [(_LOAD, 0, 0, 16 + 8 * position), (_AND, 0, 0, mask)]
    steps += [(_EQUAL, count - i, 0, value) for i, value in enumerate(values)]
    other, listed = (_REFUSE, _ALLOW) if allowed else (_ALLOW, _REFUSE)
    return [*steps, (_RETURN, 0, 0, other), (_RETURN, 0, 0, listed)]


def _assemble(answers: dict[int, list[Step]], default: int) -> bytes:
    """Write a filter: `answers` by number, `default` for all others of this processor."""
    otherwise: list[Step] = [(_RETURN, 0, 0, default)]
    starts: list[tuple[int, list[Step]]] = [(0, otherwise)]
    for number, answer in sorted(answers.items()):
        if starts[-1][0] == number:
            starts.pop()
        if not starts or starts[-1][1] != answer:
            starts.append((number, answer))
        starts.append((number + 1, otherwise))
    steps: list[Step] = [
        (_LOAD, 0, 0, 4),
        (_EQUAL, 1, 0, _ARCHITECTURE[platform.machine()][1]),
        (_RETURN, 0, 0, _REFUSE),
        (_LOAD, 0, 0, 0),
        *_tree(starts),
    ]
    return b"".join(struct.pack("HBBI", *step) for step in steps)


def allow_list(kind: str) -> bytes:
    """Write the filter of a program behind a barrier: `namespaces`, `landlock` or `weak`."""
    allowed, rules = numbers("allowed") | numbers("asked"), dict(_ARGUMENTS)
    if kind == "weak":
        rules |= {"open": (1, _WRITING, (0,), True), "openat": (2, _WRITING, (0,), True)}
    else:
        allowed |= numbers("behind a barrier")
    if kind == "namespaces":
        allowed |= numbers("in namespaces")
    answers = {number: [(_RETURN, 0, 0, _ALLOW)] for number in allowed.values()}
    for name, rule in rules.items():
        if name in allowed:
            answers[allowed[name]] = _by_argument(*rule)
    unknown = numbers("missing")
    for number in (*unknown.values(), *range(unknown["end"], unknown["end"] + 200)):
        answers[number] = [(_RETURN, 0, 0, _MISSING)]
    return _assemble(answers, _REFUSE)


def supervised_calls() -> bytes:
    """Write the filter that hands new processes and signals to the lane."""
    return _assemble(
        {number: [(_RETURN, 0, 0, _ASK)] for number in numbers("asked").values()}, _ALLOW
    )


class Filter:
    """A filter for the process that calls `install` or `listen`, and for its children.

    Made beforehand: the child that puts it in force is a fork, and the less it does the better.
    """

    def __init__(self, code: bytes) -> None:
        self._code = ctypes.create_string_buffer(code, len(code))
        self._program = _FilterProgram(len(code) // 8, ctypes.cast(self._code, ctypes.c_void_p))
        self._pointer = ctypes.byref(self._program)
        self._seccomp = numbers("ours")["seccomp"]

    def install(self) -> None:
        """Put it in force, for good."""
        self._put(0)

    def listen(self) -> int:
        """Put it in force; its questions are read from the returned descriptor."""
        return self._put(_NEW_LISTENER)

    def _put(self, flags: int) -> int:
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        return check(libc.syscall(self._seccomp, 1, flags, self._pointer), "seccomp")


class Supervision:
    """The lane's answers to what a running child asks.

    Parameters
    ----------
    threads : threads of one process.

    Attributes
    ----------
    pid : the child, which alone may fork, and only as often as it was granted.
    """

    def __init__(self, threads: int) -> None:
        self.pid, self.threads, self.granted = 0, threads, 0
        self.started = 0  # counts threads where /proc is hidden
        self.known = {number: name for name, number in numbers("asked").items()}

    def answer(self, descriptor: int) -> None:
        """Take one question and say yes or EPERM."""
        question = bytearray(80)
        with contextlib.suppress(OSError):  # whoever asked may be gone
            fcntl.ioctl(descriptor, 0xC0502100, question)
            ticket, thread, _, call, _, _, first, *_ = struct.unpack("QIIiIQ6Q", question)
            yes = self._permits(self.known.get(call, ""), thread, first)
            reply = struct.pack("QqiI", ticket, 0, 0 if yes else -errno.EPERM, 1 if yes else 0)
            fcntl.ioctl(descriptor, 0xC0182101, bytearray(reply))

    def _permits(self, call: str, thread: int, argument: int) -> bool:
        plain = call == "fork" or (call == "clone" and not argument & ~_PLAIN_FORK)
        if plain and thread == self.pid and self.granted > 0:
            self.granted -= 1
            return True
        try:
            with open(f"/proc/{thread}/status") as stream:  # noqa: PTH123
                fields = dict(line.split(":", 1) for line in stream if ":" in line)
            process, threads = int(fields["Tgid"]), int(fields["Threads"])
        except OSError:  # a container hides /proc: the thread alone, and threads by their sum
            process, threads = thread, self.started
        if call == "clone" and argument & CLONE_THREAD:
            self.started += 1
            return threads < self.threads
        return call in ("kill", "tgkill") and argument == process
