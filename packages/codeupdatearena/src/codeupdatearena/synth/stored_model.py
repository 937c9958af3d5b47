"""A model that never pays twice: every raw response is stored, every step may try again."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tenpapers.errors import UserError
from tenpapers.generation import Generator, Request, Sampling
from tenpapers.generation.types import Message
from tenpapers.records import Appender, Record, read_jsonl

from .settings import SynthSettings

ATTEMPTS = 3

T = TypeVar("T")


class Rejected(Exception):  # noqa: N818
    """A step whose every attempt was refused; the message says why the last one was."""


class Unfit(Exception):  # noqa: N818
    """One response that a step cannot accept."""


class Response(Record):
    """A stored raw response."""

    key: str
    step: str
    text: str


class LLM:
    """One system and one user message a call, stored in `responses.jsonl` by content.

    Parameters
    ----------
    generator : any model; its own cache is not needed.
    store : file of the responses.
    seed : attempt a is sampled with `seed + a`.
    max_tokens : new tokens of a response.
    """

    def __init__(
        self,
        generator: Generator,
        store: Path,
        *,
        seed: int = SynthSettings.seed,
        max_tokens: int = SynthSettings.max_tokens,
    ) -> None:
        self.generator, self.seed = generator, seed
        # The defaults of the API, as the paper has them.
        self.sampling = Sampling(temperature=1.0, top_p=1.0, max_tokens=max_tokens)
        self._known: dict[str, str] = {}
        self._sink = Appender(store)
        for response in read_jsonl(store, Response, allow_empty=True):
            self._known[response.key] = response.text

    def ask(self, step: str, system: str, user: str, attempt: int = 0) -> str:
        """Give the response to one call.

        Raises
        ------
        UserError : the model failed (the step can be run again).
        """
        identity = [self.generator.backend.model, step, system, user, attempt, self.seed]
        key = hashlib.sha256(json.dumps(identity).encode()).hexdigest()
        if key not in self._known:
            messages = [Message(role="user", content=user)]
            if system:
                messages.insert(0, Message(role="system", content=system))
            request = Request(
                id=key,
                messages=tuple(messages),
                sampling=self.sampling.model_copy(update={"seed": self.seed + attempt}),
            )
            (completion,) = self.generator.generate([request])
            if completion.failed:
                raise UserError(f"synth: {step}: {completion.error}")
            self._sink.write(Response(key=key, step=step, text=completion.text))
            self._known[key] = completion.text
        return self._known[key]

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

    def close(self) -> None:
        """Close the store."""
        self._sink.close()
