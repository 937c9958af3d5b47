"""The inside of the sandbox, run as a script by a fresh interpreter: `zygote.py FD MODULES`.

Three kinds of process, each made by forking the one before:

zygote  has the heavy modules loaded and waits on FD for orders; runs no foreign code.
lane    process 1 of its own namespaces; takes one program at a time from the supervisor (`lane`).
child   executes the set-up of one program, then each case, by default in a further fork (`child`).

Standard library only: the interpreter may lack everything else.
"""

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import isolation
    from .child import run_child, status_of
    from .lane import Lane, Order
else:
    sys.path.insert(0, str(Path(__file__).parent))
    import isolation
    from child import run_child, status_of
    from lane import Lane, Order

    sys.path.pop(0)
    for _name in ("child", "isolation", "lane"):  # or a program's `import lane` would find ours
        del sys.modules[_name]

__all__ = ["Lane", "run_child", "serve", "start_lane", "status_of"]

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


def start_lane(channel: socket.socket, order: Order) -> None:
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


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2].split(","))
