"""One clock for all benchmarks."""

import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def clock(run: Callable[[], Result]) -> tuple[Result, float]:
    """A result and its seconds."""
    began = time.perf_counter()
    return run(), time.perf_counter() - began
