"""Whether two mathematical answers are the same, by Math-Verify in a process of its own.

The library parses what a model wrote with a computer algebra system, which may take for ever or all
memory: the child has limits, and one that breaks them is replaced. Its answer is then no. It is an
interpreter of its own, so that no script needs a main guard and any thread may ask.
"""

import json
import os
import resource
import select
import subprocess
import sys
from functools import cache
from typing import IO

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
        self._child: subprocess.Popen[bytes] | None = None

    def same(self, answer: str, gold: str) -> bool:
        """Whether the library finds an answer equal to the right one; LaTeX without `$`."""
        questions, answers = self._started()
        try:
            questions.write(json.dumps([answer, gold]).encode() + b"\n")
            in_time = select.select([answers], [], [], self._seconds)[0]
            if in_time and (line := answers.readline()):
                return bool(json.loads(line))
        except OSError:  # it died: out of memory, most likely
            pass
        self.close()
        return False

    def _started(self) -> tuple[IO[bytes], IO[bytes]]:
        if self._child is None or self._child.poll() is not None:
            self.close()
            code = f"from {__name__} import serve; serve()"
            self._child = subprocess.Popen(
                [sys.executable, "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
            said = self._child.stdout
            assert said is not None  # it is a pipe
            begun = select.select([said], [], [], START_SECONDS)[0]
            if not begun or said.readline() != b"ready\n":
                self.close()
                raise RuntimeError("the process of Math-Verify does not start")
        return self._child.stdin, self._child.stdout  # type: ignore[return-value]

    def close(self) -> None:
        """End the child; a further question starts another."""
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
        self._child = None


@cache
def checker() -> MathChecker:
    """The one child of this process."""
    return MathChecker()


def serve() -> None:
    """The child: a pair of answers in each line that comes in, true or false in each that goes out.

    It ends when its input does, with the process that asks.
    """
    from math_verify import parse, verify

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, hard))
    with os.fdopen(os.dup(1), "w") as out:
        os.dup2(2, 1)  # what the library prints is no answer
        print("ready", file=out, flush=True)
        for line in sys.stdin.buffer:
            found, right = (
                parse(f"${text}$", parsing_timeout=PARSING_SECONDS) for text in json.loads(line)
            )
            same = verify(right, found, timeout_seconds=PARSING_SECONDS)
            print(json.dumps(bool(same)), file=out, flush=True)
