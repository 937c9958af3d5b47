"""The inside of the sandbox, run as a script by a fresh interpreter: `zygote.py FD SETTINGS`.

Four kinds of process, each made by forking the one before:

zygote  has the heavy modules loaded and waits on FD for orders; runs no foreign code.
keeper  enters the namespaces of a lane and waits for its end.
lane    process 1 of those namespaces, see `lane`.
child   executes one program, see `child`.

SETTINGS is JSON: the `modules` to load, folders that programs may read (`path`), files and folders
that they may not (`hidden`). Standard library only: the interpreter may lack everything else.
"""

import _thread
import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import namespaces  # type: ignore[import-not-found]
import privileges  # type: ignore[import-not-found]
from child import Calls, run_calls  # type: ignore[import-not-found]
from lane import Lane, send  # type: ignore[import-not-found]
from view import View, view_of_interpreter  # type: ignore[import-not-found]

sys.path.pop(0)
for file in Path(__file__).parent.glob("*.py"):  # or a program's `import lane` would find ours
    sys.modules.pop(file.stem, None)

# Imported by so many solutions and tests that loading them once pays.
COMMON = """
bisect collections copy datetime decimal fractions functools heapq inspect itertools json math
operator random re statistics string time typing unittest.mock
"""


def load(settings: dict[str, Any]) -> View:
    """Load the modules; what is loaded is never looked at again by the garbage collector."""
    sys.dont_write_bytecode = True
    for name in ("PYTHONMALLOC", "GLIBC_TUNABLES", "PYTHONHASHSEED"):
        os.environ.pop(name, None)  # ours alone, and in force already
    sys.path += settings["path"]
    for name in settings["modules"] and [*COMMON.split(), *settings["modules"]]:
        with contextlib.suppress(Exception):  # the program's own import will tell
            importlib.import_module(name)
    view = view_of_interpreter(settings["path"], settings["hidden"])
    gc.collect()
    gc.freeze()
    return view


def serve(control: socket.socket, view: View) -> Calls:
    """Fork a lane for every order until the supervisor is gone."""
    while True:
        body, descriptors, _, _ = socket.recv_fds(control, 65536, 1)
        if not body:
            os._exit(0)
        channel = socket.socket(fileno=descriptors[0])
        if os.fork() == 0:
            control.close()
            try:
                yield from keep_lane(channel, json.loads(body), view)
            finally:
                os._exit(0)
        channel.close()


def keep_lane(channel: socket.socket, order: dict[str, Any], view: View) -> Calls:
    """Enter the namespaces, fork process 1 of them and wait for its end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    privileges.die_with_parent()
    os.setsid()
    try:
        if order["barrier"] == "namespaces":
            namespaces.enter_namespaces()
    except OSError as error:
        send(channel, {"broken": str(error.strerror or error)})
        return
    keeper = os.getpid()
    pid = os.fork()
    if pid:
        channel.close()
        os.waitpid(pid, 0)
        return
    privileges.die_with_parent()
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    try:
        lane = Lane(channel, order, view)
    except OSError as error:
        send(channel, {"broken": str(error.strerror or error)})
        return
    yield from lane.work(keeper)


if __name__ == "__main__":
    view = load(json.loads(sys.argv[2]))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # ended lanes need no burial
    server = serve(socket.socket(fileno=int(sys.argv[1])), view)
    # In a thread that C code alone has started: no frame lies below it, nor below what it forks.
    _thread.start_new_thread(run_calls(server), ())
    while True:
        time.sleep(3600)
