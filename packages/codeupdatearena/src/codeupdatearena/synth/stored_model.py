"""A model that never pays twice: every raw response is stored, every step may try again."""

import hashlib
import json
from collections.abc import Callable
from typing import TypeVar

from tenpapers.errors import UserError
from tenpapers.generation import Generator, Request, Sampling
from tenpapers.generation.types import Message
from tenpapers.journal import Journal, RowLog
from tenpapers.records import Record

from .settings import SynthSettings

ATTEMPTS = 3

T = TypeVar("T")


class Rejected(Exception):  # noqa: N818
    """A step whose every attempt was refused; the message says why the last one was."""


class Unfit(Exception):  # noqa: N818
    """One response that a step cannot accept."""


class Response(Record):
    """A stored raw response; `key` is the hash of what was asked."""

    key: str
    step: str
    text: str


def open_responses(journal: Journal, name: str) -> RowLog:
    """Open the file of a run's raw responses."""
    return journal.rows(name, key=lambda row: str(row["key"]))


class LLM:
    """One system and one user message a call, stored by content.

    Parameters
    ----------
    generator : any model; its own cache is not needed.
    store : responses of a run, see `open_responses`: of one model and one seed.
    seed : of the sampling; attempt a is its sample number a.
    max_tokens : new tokens of a response.
    """

    def __init__(
        self,
        generator: Generator,
        store: RowLog,
        *,
        seed: int = SynthSettings.seed,
        max_tokens: int = SynthSettings.max_tokens,
    ) -> None:
        self.generator, self.store, self.seed = generator, store, seed
        # The defaults of the API, as the paper has them.
        self.sampling = Sampling(temperature=1.0, top_p=1.0, max_tokens=max_tokens)

    def ask(self, step: str, system: str, user: str, attempt: int = 0) -> str:
        """Give the response to one call.

        Raises
        ------
        UserError : the model failed (the step can be run again).
        """
        key = hashlib.sha256(json.dumps([step, system, user, attempt]).encode()).hexdigest()
        if key not in self.store.rows:
            messages = [Message(role="user", content=user)]
            if system:
                messages.insert(0, Message(role="system", content=system))
            request = Request(
                id=key,
                messages=tuple(messages),
                sampling=self.sampling.model_copy(update={"seed": self.seed, "sample": attempt}),
            )
            (completion,) = self.generator.generate([request])
            if completion.failed:
                raise UserError(
                    f"synth: {step}: {completion.error}",
                    "mend the cause and run the same command again: what was answered is kept",
                )
            self.store.write(Response(key=key, step=step, text=completion.text))
        return str(self.store.rows[key]["text"])

    def accept(self, step: str, system: str, user: str, read: Callable[[str], T]) -> T:
        """Ask up to three times until `read` takes the response.

        Parameters
        ----------
        read : parses a response; raises `Unfit` to refuse it.

        Raises
        ------
        Rejected : no attempt was fit.
        """
        reason = ""
        for attempt in range(ATTEMPTS):
            try:
                return read(self.ask(step, system, user, attempt))
            except Unfit as error:
                reason = str(error)
        raise Rejected(f"{step}: {reason}")
