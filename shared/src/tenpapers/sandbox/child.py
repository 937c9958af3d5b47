"""The child of the sandbox: the one process that runs foreign code (see `zygote`).

That code can change anything in its own process, so the harness here keeps what it needs in local
names taken before that code starts, and a status counts only on a line that begins with the
program's nonce. Standard library only: the interpreter may lack everything else.
"""

import os
import re
import sys
import types
from collections.abc import Callable
from typing import TypedDict

_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "Unable to allocate")


class Job(TypedDict):
    """A `Program` as the supervisor sends it, with the secret that its statuses begin with."""

    key: str
    setup: list[tuple[str, str]]
    cases: list[str]
    stop_on_failure: bool
    stop_on_pass: bool
    isolate_cases: bool
    capture: bool
    nonce: str


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
    job: Job,
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
    random_state: object = None
    restore: Callable[[object], None] | None = None
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
