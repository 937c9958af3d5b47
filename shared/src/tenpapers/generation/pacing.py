"""Many requests at once: an event loop in the background, and one pace for the whole run."""

import asyncio
import os
import random
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

from ..closing import Closing
from ..errors import UserError
from .types import Completion, Keep, Request

PATIENCE = 300.0  # seconds
CLOSING_SECONDS = 1.0
FIRST_GAP, LONGEST_GAP = 0.05, 5.0  # seconds between two requests once a server complained
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds; doubles with every failure in a row
SLOWER, FASTER = 1.5, 0.95

ResultT = TypeVar("ResultT")


def patience() -> float:
    """Seconds for which failures are retried: `--patience`, or `TENPAPERS_PATIENCE`."""
    return number("TENPAPERS_PATIENCE", PATIENCE, least=0)


def number(name: str, default: float, *, least: float) -> float:
    """Give a setting of the environment that is a number from `least` on.

    Raises
    ------
    UserError : it is none.
    """
    text = os.environ.get(name)
    try:
        value = float(text) if text else float(default)
    except ValueError:
        value = -1.0
    if not least <= value < float("inf"):
        raise UserError(f"{name} is {text!r}", f"a number from {least:g} on is wanted")
    return value


class Background(Closing):
    """An event loop in a thread of its own, whose completions stream to the caller's thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def stream(
        self,
        requests: Sequence[Request],
        complete: Callable[[Request], Awaitable[Completion]],
        keep: Keep,
        *,
        in_flight: int,
    ) -> Iterator[Completion]:
        """Complete requests side by side; whoever stops reading stops them all.

        Parameters
        ----------
        complete : what it raises ends the stream, after the completions that came before.
        in_flight : requests at a time.
        """
        answers: SimpleQueue[Completion | None] = SimpleQueue()

        def answer(completion: Completion) -> None:
            keep(completion)
            answers.put(completion)

        job = self.begin(_complete_all(requests, complete, answer, in_flight))
        job.add_done_callback(lambda _: answers.put(None))
        try:
            while (completion := answers.get()) is not None:
                yield completion
            job.result()
        finally:
            job.cancel()

    def run(
        self, work: Coroutine[Any, Any, ResultT], *, seconds: float | None = None
    ) -> ResultT | None:
        """Wait for one piece of work, `seconds` at most (then None)."""
        job = self.begin(work)
        try:
            return job.result(seconds)
        except TimeoutError:
            return None
        finally:
            job.cancel()

    def begin(self, work: Coroutine[Any, Any, ResultT]) -> Future[ResultT]:
        """Let a piece of work run beside the others."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self) -> None:
        """Stop the loop and what still runs in it."""
        self.run(_cancel_others(), seconds=CLOSING_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _complete_all(
    requests: Sequence[Request],
    complete: Callable[[Request], Awaitable[Completion]],
    answer: Keep,
    in_flight: int,
) -> None:
    room = asyncio.Semaphore(in_flight)

    async def one(request: Request) -> None:
        try:
            answer(await complete(request))
        finally:
            room.release()

    try:
        async with asyncio.TaskGroup() as group:
            for request in requests:
                await room.acquire()
                group.create_task(one(request))
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


class Limiter:
    """One pace for all requests to a server.

    The first that is told to slow down slows all down: everybody pauses, then requests leave with
    a gap between them. The gap grows with every complaint and shrinks with every answer.

    Parameters
    ----------
    at_once : requests at a time.
    patience : seconds for which failures are retried.
    """

    def __init__(self, at_once: int, patience: float) -> None:
        self.patience = patience
        self._last_answer = 0.0
        self._impatient = False
        self._slots = asyncio.Semaphore(at_once)
        self._head = asyncio.Lock()
        self._gap = 0.0
        self._next = 0.0
        self._slowed = 0.0
        self._complaints = 0

    def begin(self) -> None:
        """Be patient again: what failed in an earlier run says nothing of this one."""
        self._impatient = False

    async def __aenter__(self) -> float:
        """Wait for a turn; gives the time at which it came."""
        await self._slots.acquire()
        try:
            async with self._head:
                while (wait := self._next - time.monotonic()) > 0:
                    await asyncio.sleep(wait)
                now = time.monotonic()
                self._next = now + self._gap
        except BaseException:
            self._slots.release()
            raise
        return now

    async def __aexit__(self, *error: object) -> None:
        self._slots.release()

    def answered(self) -> None:
        """Go a little faster."""
        self._last_answer = time.monotonic()
        self._impatient = False
        self._complaints = 0
        self._gap = self._gap * FASTER if self._gap > FIRST_GAP / 10 else 0.0

    def slow_down(self, sent: float, asked: float | None) -> None:
        """Pause everybody for the seconds a server asked for, and leave longer gaps from now on.

        Parameters
        ----------
        sent : when the request left; complaints about requests that left before the last change
            of pace are about the old one.
        """
        now = time.monotonic()
        if sent >= self._slowed:
            self._slowed = now
            self._gap = min(LONGEST_GAP, max(FIRST_GAP, self._gap * SLOWER))
            self._complaints += 1
        pause = backoff(self._complaints) if asked is None else asked * random.uniform(1, 1.1)
        self._next = max(self._next, now + pause)

    def gives_up(self, since: float, *, too_fast: bool) -> bool:
        """Whether a request has been retried for long enough.

        One that is only told to slow down waits while others are answered. Where nobody was
        answered for as long as patience says, the others are not retried that long again.

        Parameters
        ----------
        since : when it failed first.
        """
        now = time.monotonic()
        if now - max(since, self._last_answer) > self.patience:
            self._impatient = True
        return self._impatient or (not too_fast and now - since > self.patience)


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures in a row (from 1), with jitter."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (failures - 1)) * random.uniform(0.5, 1)
