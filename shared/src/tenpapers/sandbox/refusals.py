"""The weak mode, asked for by name: where the kernel shuts nothing off, Python refuses.

An audit hook sees what Python's own functions do, not what C code does: it stops accidents only.
Standard library only.
"""

import errno
import os
import sys

_CHANGES = ("chmod", "chown", "link", "mkdir", "remove", "rename", "rmdir", "symlink", "truncate")
_ELSEWHERE = frozenset(f"os.{name}" for name in (*_CHANGES, "utime", "setxattr", "chdir"))
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def refuse_by_audit(home: str) -> None:
    """Have Python refuse every change outside `home`, for good."""
    inside = os.path.realpath(home) + os.sep
    real, devnull, join, decode = os.path.realpath, os.devnull, os.path.join, os.fsdecode

    def outside(path: object) -> bool:
        if isinstance(path, int) or path == devnull:
            return False
        return not join(real(decode(path)), "").startswith(inside)  # type: ignore[arg-type]

    def refuse(event: str, arguments: tuple) -> None:  # type: ignore[type-arg]
        if event == "open":
            bad = bool((arguments[2] or 0) & _WRITING) and outside(arguments[0])
        elif event in _ELSEWHERE:
            bad = outside(arguments[0]) or (event == "os.rename" and outside(arguments[1]))
        else:
            bad = event.startswith(("sqlite3.connect", "ctypes.dlopen")) and outside(arguments[0])
        if bad:
            raise PermissionError(errno.EPERM, f"refused in the sandbox: {event}")

    sys.addaudithook(refuse)
