"""What goes to a model and what comes back."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, Protocol

from ..records import Record

# Raised when the same key would mean another answer than before.
KEY_VERSION = 2


class Sampling(Record):
    """How to sample; temperature 0 is greedy. `top_k` 0 and `top_p` 1 are off.

    A text ends before the first of the `stop` strings, or with the first match of `stop_pattern`
    (a regular expression; "" is off).
    """

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    max_tokens: int = 256
    stop: tuple[str, ...] = ()
    seed: int = 0
    stop_pattern: str = ""


class Message(Record):
    """One turn of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str


class Request(Record):
    """One text to complete: a plain `prompt`, or `messages` for the model's chat template.

    `adapter` is the folder of a peft LoRA adapter to answer with (`hf`, `vllm`, and `ray` over
    them); "" is the model as it is.
    """

    id: str
    prompt: str | None = None
    messages: tuple[Message, ...] = ()
    sampling: Sampling = Sampling()
    adapter: str = ""


class Completion(Record):
    """What a model answered.

    `finish_reason` is `stop`, `length`, `refused`, or `error: ...`; a failed request is a
    completion too, so that it never takes the others with it. Counts are tokens.
    """

    id: str
    text: str
    finish_reason: str
    n_prompt_tokens: int = 0
    n_output_tokens: int = 0

    @property
    def failed(self) -> bool:
        """Whether there is no answer to keep."""
        return self.finish_reason.startswith("error")


class Score(NamedTuple):
    """Log-probability (nats) of a continuation: sum, and each token's."""

    total: float
    tokens: tuple[float, ...]


class Backend(Protocol):
    """What every backend offers; two models of one name differ in their identity."""

    family: str
    model: str

    @property
    def identity(self) -> str:
        """Hash of all that the answers depend on."""
        ...

    def stream(self, requests: Sequence[Request]) -> Iterator[Completion]:
        """Complete requests; completions come as they are done, in any order."""
        ...

    def score(self, prompt: str, continuations: Sequence[str]) -> list[Score]:
        """Score continuations of one prompt."""
        ...

    def close(self) -> None:
        """Free what the backend holds."""
        ...


def by_adapter(requests: Sequence[Request]) -> dict[str, list[Request]]:
    """Group requests by their adapter, in the order of first appearance."""
    groups: dict[str, list[Request]] = {}
    for request in requests:
        groups.setdefault(request.adapter, []).append(request)
    return groups


def content_key(backend: Backend, request: Request, adapter: str = "") -> str:
    """Hash what determines a completion: the model's identity, input, sampling, backend family.

    Recordings answer by id, so there the id is the key.

    Parameters
    ----------
    adapter : identity of the request's adapter, "" for none.
    """
    if backend.family == "replay":
        return request.id
    content = [
        KEY_VERSION,
        backend.family,
        backend.identity,
        adapter,
        request.prompt,
        [message.model_dump() for message in request.messages],
        request.sampling.model_dump(mode="json"),
    ]
    return hashlib.sha256(json.dumps(content, ensure_ascii=True).encode()).hexdigest()
