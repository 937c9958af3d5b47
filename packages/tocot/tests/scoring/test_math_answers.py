import os
import signal
import subprocess
import sys

import pytest
from tocot.scoring.math_answers import MathChecker


@pytest.fixture
def checker():
    with MathChecker() as opened:
        yield opened


def test_a_child_that_was_ended_or_takes_too_long_is_no_and_the_next_one_answers(checker):
    assert checker.same("\\frac{1}{2}", "0.5")
    checker._seconds = 0.01
    os.kill(checker._child.pid, signal.SIGSTOP)
    assert not checker.same("\\frac{1}{2}", "0.5")
    checker._seconds = 60.0
    assert checker.same("\\frac{1}{2}", "0.5")
    checker._child.kill()
    checker._child.wait()
    assert checker.same("2 + 3", "5") and not checker.same("2 + 3", "6")


def test_a_script_without_a_main_guard_runs_once(tmp_path):
    """A process that multiprocessing spawns runs the script of its parent again."""
    script = tmp_path / "mine.py"
    script.write_text(
        "from tocot import grade\n"
        "from tocot.records import Extraction\n"
        "print('begun')\n"
        "print(grade(Extraction('0.5', None, ''), '\\\\frac{1}{2}', 'math'))\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert done.stdout == "begun\nTrue\n"
