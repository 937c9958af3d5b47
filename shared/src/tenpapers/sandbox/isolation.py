"""Kernel isolation of a sandbox worker: namespaces, read-only mounts, seccomp, limits.

Standard library only: this file is loaded by `zygote`, in an interpreter of its own.
Every call goes through ctypes because Python 3.11 wraps none of them.
"""

import ctypes
import os
import platform
import resource
import struct
import sys
from collections.abc import Callable
from typing import Any

_libc = ctypes.CDLL(None, use_errno=True)

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
CLONE_THREAD = 0x00010000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_PRIVATE = 1, 2, 4, 8, 1 << 18
MNT_DETACH = 2
PR_SET_PDEATHSIG, PR_SET_KEEPCAPS, PR_SET_SECCOMP = 1, 8, 22
PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 36, 38
SYS_MOUNT_SETATTR = 442
CAP_DAC_READ_SEARCH = 2

# System calls that no test of a library function needs; each is answered with EPERM.
# Sockets and io_uring: no network. kill and friends: no signals to others. execve: no programs.
_DENIED = {
    "x86_64": {
        "socket": 41,
        "execve": 59,
        "execveat": 322,
        "kill": 62,
        "pidfd_send_signal": 424,
        "rt_sigqueueinfo": 129,
        "ptrace": 101,
        "process_vm_readv": 310,
        "process_vm_writev": 311,
        "mount": 165,
        "umount2": 166,
        "pivot_root": 155,
        "chroot": 161,
        "unshare": 272,
        "setns": 308,
        "open_by_handle_at": 304,
        "bpf": 321,
        "perf_event_open": 298,
        "keyctl": 250,
        "add_key": 248,
        "request_key": 249,
        "userfaultfd": 323,
        "io_uring_setup": 425,
        "pidfd_getfd": 438,
        "fsopen": 430,
        "fsmount": 432,
        "move_mount": 429,
        "open_tree": 428,
        "mount_setattr": 442,
        "init_module": 175,
        "finit_module": 313,
        "kexec_load": 246,
        "reboot": 169,
        "swapon": 167,
        "syslog": 103,
    },
    "aarch64": {
        "socket": 198,
        "execve": 221,
        "execveat": 281,
        "kill": 129,
        "pidfd_send_signal": 424,
        "rt_sigqueueinfo": 138,
        "ptrace": 117,
        "process_vm_readv": 270,
        "process_vm_writev": 271,
        "mount": 40,
        "umount2": 39,
        "pivot_root": 41,
        "chroot": 51,
        "unshare": 97,
        "setns": 268,
        "open_by_handle_at": 265,
        "bpf": 280,
        "perf_event_open": 241,
        "keyctl": 219,
        "add_key": 217,
        "request_key": 218,
        "userfaultfd": 282,
        "io_uring_setup": 425,
        "pidfd_getfd": 438,
        "fsopen": 430,
        "fsmount": 432,
        "move_mount": 429,
        "open_tree": 428,
        "mount_setattr": 442,
        "init_module": 105,
        "finit_module": 273,
        "kexec_load": 104,
        "reboot": 142,
        "swapon": 224,
        "syslog": 116,
    },
}
_ARCH = {"x86_64": (0xC000003E, 56, 435, (57, 58)), "aarch64": (0xC00000B7, 220, 435, ())}
_LOAD, _JUMP_EQUAL, _JUMP_GE, _JUMP_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
EPERM, ENOSYS = 1, 38


class _FilterProgram(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]


def _check(result: int) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends."""
    _libc.prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent has ended."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def enter_namespaces() -> bool:
    """Leave the host's mounts, network, IPC and process table; the next fork is process 1.

    Returns
    -------
    False where the kernel or a container refuses; nothing has changed then.
    """
    flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS
    uid, gid = os.getuid(), os.getgid()
    if uid == 0 and _libc.unshare(flags) == 0:
        return True
    if _libc.unshare(flags | CLONE_NEWUSER) != 0:
        return False
    try:
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{uid} {uid} 1"),
            ("gid_map", f"{gid} {gid} 1"),
        ):
            with open(f"/proc/self/{name}", "w") as stream:  # noqa: PTH123
                stream.write(text)
    except OSError:
        return False
    return True


def _mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    _check(_libc.mount(source.encode(), target.encode(), kind.encode(), flags, options.encode()))


def seal_filesystem(home: str, uid: int, gid: int) -> None:
    """Make every mount read-only and put an empty in-memory folder on `home`.

    Raises
    ------
    OSError : the kernel is older than 5.12 or a container refuses.
    """
    attributes = struct.pack("QQQQ", MS_RDONLY | MS_NOSUID, 0, MS_PRIVATE, 0)
    recursive, cwd = 0x8000, -100
    _check(
        _libc.syscall(
            SYS_MOUNT_SETATTR, cwd, b"/", recursive, attributes, ctypes.c_size_t(len(attributes))
        )
    )
    empty_home(home, uid, gid, mounted=False)
    try:
        flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC
        _mount("proc", "/proc", "proc", flags)
    except OSError:
        # A container that hides parts of /proc does not let us mount it anew: hide all of it,
        # or other processes' environments could be read.
        _mount("tmpfs", "/proc", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)


def empty_home(home: str, uid: int, gid: int, *, mounted: bool = True) -> None:
    """Put a new, empty in-memory folder in the place of the last one."""
    if mounted:
        os.chdir("/")
        _check(_libc.umount2(home.encode(), MNT_DETACH))
    options = f"size=64m,nr_inodes=4096,mode=0700,uid={uid},gid={gid}"
    _mount("tmpfs", home, "tmpfs", MS_NOSUID | MS_NODEV, options)


def drop_privileges(uid: int, gid: int) -> None:
    """Become the sandbox's user and give up every capability.

    As root we become `uid`, so that process limits count and root's files are not ours; only the
    right to *read* stays, because Python itself may lie in root's home. As another user we stay
    who we are.
    """
    keep = 0
    if os.geteuid() == 0 and uid != 0:
        _libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
        try:
            os.setgroups([])
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
            keep = 1 << CAP_DAC_READ_SEARCH
        except OSError:
            # A user namespace with one mapped user: there is nobody else to become.
            pass
    header = struct.pack("Ii", 0x20080522, 0)
    data = struct.pack("IIIIII", keep, keep, 0, 0, 0, 0)
    _libc.capset(header, data)


def _assemble(
    steps: list[tuple[int, int, int, int]],
) -> tuple[_FilterProgram, "ctypes.Array[ctypes.c_char]"]:
    code = b"".join(struct.pack("HBBI", *step) for step in steps)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _FilterProgram(len(steps), ctypes.cast(buffer, ctypes.c_void_p))
    return program, buffer


def _installer(steps: list[tuple[int, int, int, int]]) -> Callable[[], None]:
    program, buffer = _assemble(steps)
    prctl = _libc.prctl
    pointer = ctypes.byref(program)

    def install(_keep: object = buffer) -> None:
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        if prctl(PR_SET_SECCOMP, 2, pointer, 0, 0) != 0:
            raise OSError("seccomp refused")

    return install


def base_filter() -> Callable[[], None] | None:
    """Build the filter of every program; None on a processor we have no numbers for."""
    machine = platform.machine()
    if machine not in _ARCH:
        return None
    arch = _ARCH[machine][0]
    numbers = sorted(_DENIED[machine].values())
    # A jump counts the steps it passes over; "deny" is the step after "allow".
    steps = [
        (_LOAD, 0, 0, 4),
        (_JUMP_EQUAL, 0, len(numbers) + 3, arch),
        (_LOAD, 0, 0, 0),
        (_JUMP_GE, len(numbers) + 1, 0, 0x40000000),
    ]
    steps += [
        (_JUMP_EQUAL, len(numbers) - position, 0, number) for position, number in enumerate(numbers)
    ]
    steps += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _ERRNO | EPERM)]
    return _installer(steps)


def no_fork_filter() -> Callable[[], None] | None:
    """Build the filter under which threads may start but no process may."""
    machine = platform.machine()
    if machine not in _ARCH:
        return None
    _, clone, clone3, forks = _ARCH[machine]
    count = len(forks)
    steps = [(_LOAD, 0, 0, 0)]
    steps += [(_JUMP_EQUAL, count - i + 4, 0, number) for i, number in enumerate(forks)]
    steps += [
        # glibc takes "no such call" as the sign to use clone, whose flags a filter can read
        (_JUMP_EQUAL, 5, 0, clone3),
        (_JUMP_EQUAL, 0, 2, clone),
        (_LOAD, 0, 0, 16),
        (_JUMP_SET, 0, 1, CLONE_THREAD),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _ERRNO | EPERM),
        (_RETURN, 0, 0, _ERRNO | ENOSYS),
    ]
    return _installer(steps)


def set_limits(*, cpu: float, memory: int, file_bytes: int, processes: int) -> None:
    """Set the resource limits of this process and its children (bytes and seconds)."""
    limits = {
        resource.RLIMIT_CPU: int(cpu) + 1,
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_FSIZE: file_bytes,
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NPROC: processes,
    }
    for kind, value in limits.items():
        hard = resource.getrlimit(kind)[1]
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        resource.setrlimit(kind, (value, value))


def mapped_bytes() -> int:
    """Read the address space of this process in bytes."""
    with open("/proc/self/statm") as stream:  # noqa: PTH123
        return int(stream.read().split()[0]) * resource.getpagesize()


def refuse_by_audit(home: str) -> Callable[[bool], None]:
    """Where the kernel isolates nothing: have Python refuse network, programs, outside writes.

    Returns
    -------
    A switch: the harness turns forking on around its own fork.
    """
    allowed = [False]
    processes = ("os.fork", "os.forkpty", "os.exec", "os.posix_spawn", "os.spawn", "os.system")
    signals = ("os.kill", "os.killpg", "signal.pthread_kill")
    changes = (
        "os.chmod",
        "os.chown",
        "os.link",
        "os.mkdir",
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.symlink",
        "os.truncate",
        "os.utime",
        "os.setxattr",
        "os.chdir",
    )
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    inside = os.path.realpath(home) + os.sep
    real, devnull, join = os.path.realpath, os.devnull, os.path.join

    def outside(path: Any) -> bool:
        if isinstance(path, int) or path == devnull:
            return False
        return not (join(real(os.fsdecode(path)), "")).startswith(inside)

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "os.fork" and allowed[0]:
            return
        if event == "open":
            path, _, flags = arguments
            bad = bool((flags or 0) & writing) and outside(path)
        elif event in changes:
            bad = outside(arguments[0]) or (event == "os.rename" and outside(arguments[1]))
        else:
            bad = (
                event in processes
                or event in signals
                or event.startswith(("socket.", "subprocess.", "shutil.", "pty."))
            )
        if bad:
            raise PermissionError(EPERM, f"refused in the sandbox: {event}")

    def switch(value: bool) -> None:
        allowed[0] = value

    sys.addaudithook(refuse)
    return switch
