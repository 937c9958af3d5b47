"""A result with the time that it took."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

Report = dict[str, Any]
ResultT = TypeVar("ResultT")


def timed(run: Callable[[], ResultT]) -> tuple[ResultT, dict[str, float]]:
    """A result, and its seconds of wall and of processor time."""
    wall, processor = time.perf_counter(), time.process_time()
    result = run()
    return result, {
        "wall": time.perf_counter() - wall,
        "processor": time.process_time() - processor,
    }
