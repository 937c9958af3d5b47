"""Whether two mathematical answers are the same, by Math-Verify in a process of its own.

The library parses what a model wrote with a computer algebra system, which may take for ever or all
memory: the child has limits, and one that breaks them is replaced. Its answer is then no.
"""

import resource
from functools import cache
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from tenpapers.closing import Closing

PARSING_SECONDS = 5
ANSWER_SECONDS = 20
START_SECONDS = 120
MEMORY_BYTES = 4 << 30


class MathChecker(Closing):
    """A child process that compares answers; it starts with the first question.

    It ends with this process, or when it is closed.
    """

    def __init__(self, seconds: float = ANSWER_SECONDS) -> None:
        self._seconds = seconds
        self._child: BaseProcess | None = None
        self._pipe: Connection | None = None

    def same(self, answer: str, gold: str) -> bool:
        """Whether the library finds an answer equal to the right one; LaTeX without `$`."""
        pipe = self._started()
        try:
            pipe.send((answer, gold))
            if pipe.poll(self._seconds):
                return bool(pipe.recv())
        except (EOFError, OSError):  # it died: out of memory, most likely
            pass
        self.close()
        return False

    def _started(self) -> Connection:
        if self._pipe is not None and self._child is not None and self._child.is_alive():
            return self._pipe
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._child = context.Process(target=_compare, args=(theirs,), daemon=True)
        self._child.start()
        theirs.close()
        if not self._pipe.poll(START_SECONDS) or self._pipe.recv() != "ready":
            raise RuntimeError("the process of Math-Verify does not start")
        return self._pipe

    def close(self) -> None:
        """End the child; a further question starts another."""
        if self._child is not None:
            self._child.kill()
            self._child.join()
        self._child = self._pipe = None


@cache
def checker() -> MathChecker:
    """The one child of this process."""
    return MathChecker()


def _compare(pipe: Connection) -> None:
    from math_verify import parse, verify

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, hard))
    pipe.send("ready")
    while True:
        answer, gold = pipe.recv()
        found, right = (
            parse(f"${text}$", parsing_timeout=PARSING_SECONDS) for text in (answer, gold)
        )
        pipe.send(bool(verify(right, found, timeout_seconds=PARSING_SECONDS)))
