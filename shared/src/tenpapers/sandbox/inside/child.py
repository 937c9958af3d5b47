"""The process that runs one program: the set-up, then each case, in a further fork by default.

Foreign code can change anything in its own process. So that it has little to find there:

- no Python frame lies below it. The interpreter's bottom is a C loop over generators, `calls`,
  which call whatever the generators yield; a generator that has yielded is not on the stack.
- its case arrives after the set-up has run, and each report counts only with a token that is read
  after the code that it reports on.
- a case passed if a step behind it was reached; exceptions are told to a hook, not caught.

Whoever is determined to forge a verdict can still do so: tests share the process of the solution.
Standard library only.
"""

import _thread
import ctypes
import json
import os
import re
import struct
import sys
import types
from collections import deque
from collections.abc import Callable, Generator, Iterable
from functools import partial
from typing import Any, TextIO

from privileges import die_with_parent  # type: ignore[import-not-found]

Calls = Generator[Callable[[], object], None, bytes]
_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "Unable to allocate")
_call = partial.__call__
_catching = ctypes.PYFUNCTYPE(None)
# Without what Python's own fork does for the sake of other threads: it makes locks anew and reseeds
# `random`, and touches a third of the memory that a short case touches. -1 if it fails.
fork = ctypes.PyDLL(None).fork


def run_calls(calls: Iterable[Callable[[], object]]) -> Callable[[], object]:
    """Make a call, of C code alone, that calls whatever an iterable yields."""
    return partial(deque, map(_call, calls), 0)  # type: ignore[arg-type]


def describe(error: BaseException | None) -> bytes:
    """Tell what ended a case: status, message, text and line, as one line of JSON."""
    try:
        name = re.sub(r"\W", "_", type(error).__name__)[:64] or "Exception"
        text = str(error)[:500]
    except BaseException:  # its own __str__ may do anything
        text = ""
    if error is None:
        status, text = "crash", "ended without an error that could be told"
    elif isinstance(error, MemoryError):
        status = "memory"
    elif isinstance(error, AssertionError):
        status = "assert"
    elif isinstance(error, RuntimeError) and any(sign in text for sign in _OUT_OF_MEMORY):
        status = "memory"
    else:
        status = f"error:{name}"
    part, line = "", 0
    if isinstance(error, SyntaxError) and str(error.filename).startswith("<"):
        part, line = str(error.filename).strip("<>"), error.lineno or 0
    step = error.__traceback__ if error is not None else None
    while step is not None:
        file = step.tb_frame.f_code.co_filename
        if file.startswith("<") and not file.startswith("<frozen"):
            part, line = file.strip("<>"), step.tb_lineno
        step = step.tb_next
    found = {"status": status, "message": text, "part": part[:64], "line": line}
    return json.dumps(found).encode()


def execute(source: str, name: str, namespace: dict[str, Any]) -> Calls:
    """Run a text with nothing of ours below it.

    Returns
    -------
    b"" if it ran to its end, else what `describe` says.
    """
    try:
        code = compile(source, f"<{name}>", "exec", 0, True)
    except BaseException as error:
        return describe(error)
    reached: list[bool] = []
    raised: list[BaseException] = []
    step = run_calls((partial(exec, code, namespace), partial(reached.append, True)))
    others = sys.unraisablehook

    def note(event: "sys.UnraisableHookArgs") -> None:
        if event.object is step or (event.object is None and "ctypes" in (event.err_msg or "")):
            raised.append(event.exc_value or event.exc_type())
        else:
            others(event)

    sys.unraisablehook = note
    catching = _catching(step)
    yield partial(catching)
    sys.settrace(None)
    sys.setprofile(None)
    sys.unraisablehook = others
    return b"" if reached else describe(raised[0] if raised else None)


class Line:
    """The child's end of its line to the lane."""

    def __init__(self, orders: int, reports: int) -> None:
        self.orders, self.reports = orders, reports
        self._read, self._write = os.read, os.write

    def next(self) -> bytes:
        """Read one order; b"" is the last."""
        size = struct.unpack("!I", self._exactly(4))[0]
        return self._exactly(size)

    def _exactly(self, count: int) -> bytes:
        found = b""
        while len(found) < count:
            piece = self._read(self.orders, count - len(found))
            if not piece:
                os._exit(1)
            found += piece
        return found

    def token(self, kind: bytes) -> bytes:
        """Read up to the token of a kind of report."""
        while True:
            order = self.next()
            if order[:1] == kind:
                return order[1:]

    def report(self, token: bytes, text: bytes) -> None:
        """Write one line, whole."""
        self._write(self.reports, b"\n" + token + b" " + text + b"\n")


def run_program(line: Line) -> Calls:
    """Execute the set-up and the cases as the lane sends them; never returns."""
    leave, wait, threads, thorough_fork = os._exit, os.waitpid, _thread._count, os.fork
    flush_output, flush_errors = _flush(sys.stdout), _flush(sys.stderr)
    alone = threads()
    module = types.ModuleType("candidate")
    sys.modules["candidate"] = module
    namespace = module.__dict__
    setup, isolate, stop_on_failure, stop_on_pass = json.loads(line.next())
    for name, source in setup:
        failure = yield from execute(source, name, namespace)
        if failure:
            flush_output()
            flush_errors()
            line.report(line.token(b"r"), b"setup " + failure)
            leave(0)
    del setup
    flush_output()  # or every case would inherit the buffer and print it again
    flush_errors()
    line.report(line.token(b"r"), b"ready")
    while source := line.next().decode():
        pid = 0
        if isolate:
            pid = fork() if threads() == alone else thorough_fork()
        if pid == 0:
            if isolate:
                die_with_parent()
            failure = yield from execute(source, "test", namespace)
            flush_output()
            flush_errors()
            line.report(line.token(b"s"), b"said " + (failure or b'{"status": "passed"}'))
            code = 256 if failure else 0
            if isolate:
                leave(1 if failure else 0)
        else:
            code = wait(pid, 0)[1]
        line.report(line.token(b"d"), b"done %d" % code)
        if (stop_on_failure and code) or (stop_on_pass and not code):
            break
    leave(0)


def _flush(stream: TextIO | None) -> Callable[[], None]:
    flush = stream.flush if stream is not None else bool

    def quietly() -> None:
        try:
            flush()
        except BaseException:  # the program may have closed it
            return

    return quietly
