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
import platform
import struct

libc = ctypes.CDLL(None, use_errno=True)

# name, number on x86_64, number on aarch64
_ALLOWED = """
read 0 63, write 1 64, open 2 -, close 3 57, stat 4 -, fstat 5 80, lstat 6 -, poll 7 -, lseek 8 62,
mmap 9 222, mprotect 10 226, munmap 11 215, brk 12 214, rt_sigaction 13 134, rt_sigprocmask 14 135,
rt_sigreturn 15 139, ioctl 16 29, pread64 17 67, pwrite64 18 68, readv 19 65, writev 20 66, preadv
295 69, pwritev 296 70, preadv2 327 286, pwritev2 328 287, access 21 -, pipe 22 -, pipe2 293 59,
select 23 -, sched_yield 24 124, mremap 25 216, msync 26 227, mincore 27 232, madvise 28 233, dup 32
23, dup2 33 -, dup3 292 24, pause 34 -, nanosleep 35 101, getitimer 36 102, alarm 37 -, setitimer 38
103, getpid 39 172, sendfile 40 71, socketpair 53 199, sendto 44 206, recvfrom 45 207, recvmsg 47
212, shutdown 48 210, getsockname 51 204, getpeername 52 205, getsockopt 55 209, setsockopt 54 208,
exit 60 93, wait4 61 260, waitid 247 95, uname 63 160, fcntl 72 25, flock 73 32, fsync 74 82,
fdatasync 75 83, getdents 78 -, getdents64 217 61, getcwd 79 17, chdir 80 49, fchdir 81 50, readlink
89 -, readlinkat 267 78, umask 95 166, gettimeofday 96 169, getrlimit 97 163, getrusage 98 165,
sysinfo 99 179, times 100 153, getuid 102 174, getgid 104 176, geteuid 107 175, getegid 108 177,
getppid 110 173, getpgrp 111 -, getpgid 121 155, getsid 124 156, getgroups 115 158, getresuid 118
148, getresgid 120 150, capget 125 90, rt_sigpending 127 136, rt_sigtimedwait 128 137, rt_sigsuspend
130 133, sigaltstack 131 132, statfs 137 43, fstatfs 138 44, getpriority 140 141, sched_getparam 143
121, sched_getscheduler 145 120, sched_get_priority_max 146 125, sched_get_priority_min 147 126,
sched_rr_get_interval 148 127, mlock 149 228, munlock 150 229, prctl 157 167, arch_prctl 158 -,
gettid 186 178, readahead 187 213, getxattr 191 8, lgetxattr 192 9, fgetxattr 193 10, listxattr 194
11, llistxattr 195 12, flistxattr 196 13, time 201 -, futex 202 98, sched_setaffinity 203 122,
sched_getaffinity 204 123, epoll_create 213 -, epoll_create1 291 20, epoll_ctl 233 21, epoll_wait
232 -, epoll_pwait 281 22, epoll_pwait2 441 441, set_tid_address 218 96, restart_syscall 219 128,
fadvise64 221 223, timer_create 222 107, timer_settime 223 110, timer_gettime 224 108,
timer_getoverrun 225 109, timer_delete 226 111, clock_gettime 228 113, clock_getres 229 114,
clock_nanosleep 230 115, exit_group 231 94, mbind 237 235, get_mempolicy 239 236, set_mempolicy 238
237, openat 257 56, newfstatat 262 79, faccessat 269 48, faccessat2 439 439, pselect6 270 72, ppoll
271 73, set_robust_list 273 99, signalfd 282 -, signalfd4 289 74, eventfd 284 -, eventfd2 290 19,
timerfd_create 283 85, timerfd_settime 286 86, timerfd_gettime 287 87, getrandom 318 278,
memfd_create 319 279, statx 332 291, rseq 334 293, membarrier 324 283, pkey_mprotect 329 288,
pkey_alloc 330 289, pkey_free 331 290, close_range 436 436, getcpu 309 168, prlimit64 302 261
"""
# Nothing but files: refused in the weak sandbox, which knows no folder of the program's own.
_ALLOWED_BEHIND_A_BARRIER = """
ftruncate 77 46, rename 82 -, renameat 264 38, renameat2 316 276, mkdir 83 -, mkdirat 258 34, rmdir
84 -, unlink 87 -, unlinkat 263 35, symlink 88 -, symlinkat 266 36, link 86 -, linkat 265 37, creat
85 -, fallocate 285 47, copy_file_range 326 285
"""
# Harmless where every mount is read-only; no Landlock rule covers them.
_ALLOWED_IN_NAMESPACES = """
chmod 90 -, fchmod 91 52, fchmodat 268 53, fchmodat2 452 452, chown 92 -, fchown 93 55,
lchown 94 -, fchownat 260 54, utime 132 -, utimes 235 -, futimesat 261 -, utimensat 280 88,
setxattr 188 5, lsetxattr 189 6, fsetxattr 190 7, removexattr 197 14, lremovexattr 198 15,
fremovexattr 199 16, truncate 76 45
"""
_UNKNOWN = "clone3 435 435, openat2 437 437, end 463 463"  # answered with ENOSYS, as all above
_SUPERVISED = "clone 56 220, fork 57 -, vfork 58 -, kill 62 129, tgkill 234 131"
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


class _FilterProgram(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]


def numbers(table: str) -> dict[str, int]:
    """Read the numbers of this processor out of a table.

    Raises
    ------
    OSError : there is no column for this processor.
    """
    if platform.machine() not in _ARCHITECTURE:
        raise OSError(errno.ENOSYS, f"no list of system calls for {platform.machine()}")
    column = _ARCHITECTURE[platform.machine()][0] + 1
    rows = (row.split() for row in table.split(","))
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
    allowed, rules = numbers(_ALLOWED) | numbers(_SUPERVISED), dict(_ARGUMENTS)
    if kind == "weak":
        rules |= {"open": (1, _WRITING, (0,), True), "openat": (2, _WRITING, (0,), True)}
    else:
        allowed |= numbers(_ALLOWED_BEHIND_A_BARRIER)
    if kind == "namespaces":
        allowed |= numbers(_ALLOWED_IN_NAMESPACES)
    answers = {number: [(_RETURN, 0, 0, _ALLOW)] for number in allowed.values()}
    for name, rule in rules.items():
        if name in allowed:
            answers[allowed[name]] = _by_argument(*rule)
    unknown = numbers(_UNKNOWN)
    for number in (*unknown.values(), *range(unknown["end"], unknown["end"] + 200)):
        answers[number] = [(_RETURN, 0, 0, _MISSING)]
    return _assemble(answers, _REFUSE)


def supervised_calls() -> bytes:
    """Write the filter that hands new processes and signals to the lane."""
    return _assemble(
        {number: [(_RETURN, 0, 0, _ASK)] for number in numbers(_SUPERVISED).values()}, _ALLOW
    )


class Filter:
    """A filter for the process that calls `install` or `listen`, and for its children.

    Made beforehand: the child that puts it in force is a fork, and the less it does the better.
    """

    def __init__(self, code: bytes) -> None:
        self._code = ctypes.create_string_buffer(code, len(code))
        self._program = _FilterProgram(len(code) // 8, ctypes.cast(self._code, ctypes.c_void_p))
        self._pointer = ctypes.byref(self._program)
        self._seccomp = numbers("seccomp 317 277")["seccomp"]

    def install(self) -> None:
        """Put it in force, for good."""
        self._put(0)

    def listen(self) -> int:
        """Put it in force; its questions are read from the returned descriptor."""
        return self._put(_NEW_LISTENER)

    def _put(self, flags: int) -> int:
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        descriptor = int(libc.syscall(self._seccomp, 1, flags, self._pointer))
        if descriptor < 0:
            raise OSError(ctypes.get_errno(), "seccomp is refused")
        return descriptor


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
        self.known = {number: name for name, number in numbers(_SUPERVISED).items()}

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
        process, threads = self._process_of(thread)
        if call in ("kill", "tgkill"):
            return argument == process
        if call == "clone" and argument & CLONE_THREAD:
            self.started += 1
            return threads < self.threads if threads else self.started < 64 * self.threads
        return False

    def _process_of(self, thread: int) -> tuple[int, int]:
        """Process id of a thread and how many threads that process has; 0 if it cannot be told."""
        try:
            with open(f"/proc/{thread}/status") as stream:  # noqa: PTH123
                fields = dict(line.split(":", 1) for line in stream if ":" in line)
            return int(fields["Tgid"]), int(fields["Threads"])
        except (OSError, KeyError, ValueError):
            return thread, 0
