import os
import signal

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
    checker._child.join()
    assert checker.same("2 + 3", "5") and not checker.same("2 + 3", "6")
