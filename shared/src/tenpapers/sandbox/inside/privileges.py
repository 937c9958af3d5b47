"""What a process of the sandbox gives up: its life after its parent, capabilities, resources.

Standard library only, by ctypes: Python 3.11 wraps none of these calls.
"""

import resource
import struct
from pathlib import Path

from syscalls import libc  # type: ignore[import-not-found]

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
_CAPABILITY_VERSION = 0x20080522
_HEADER, _NO_CAPABILITIES = struct.pack("Ii", _CAPABILITY_VERSION, 0), bytes(24)


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends."""
    libc.prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent has ended."""
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def drop_capabilities() -> None:
    """Give up every capability for good."""
    libc.capset(_HEADER, _NO_CAPABILITIES)
    die_with_parent()


def set_limits(*, memory: int, file_bytes: int) -> None:
    """Set the resource limits of this process and its children (bytes)."""
    limits = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_FSIZE: file_bytes,
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MSGQUEUE: 0,
    }
    for kind, value in limits.items():
        hard = resource.getrlimit(kind)[1]
        lowest = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (lowest, lowest))


def mapped_bytes() -> int:
    """Read the address space of this process in bytes; 0 where /proc is hidden."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return 0
