"""What goes to a model and what comes back."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from ..errors import UserError
from ..records import Record


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
    """What every backend offers."""

    family: str
    model: str
    revision: str

    def stream(self, requests: Sequence[Request]) -> Iterator[Completion]:
        """Complete requests; completions come as they are done, in any order."""
        ...

    def score(self, prompt: str, continuations: Sequence[str]) -> list[Score]:
        """Score continuations of one prompt."""
        ...

    def close(self) -> None:
        """Free what the backend holds."""
        ...


def adapter_digest(folder: str) -> str:
    """Hash an adapter's weights; "" for no adapter.

    Raises
    ------
    UserError : the folder holds no adapter.
    """
    if not folder:
        return ""
    file = Path(folder) / "adapter_model.safetensors"
    if not file.exists():
        raise UserError(f"{folder}: no adapter in it", "adapter_model.safetensors is wanted")
    stat = file.stat()
    return _file_digest(str(file), stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=4096)
def _file_digest(file: str, _changed: int, _size: int) -> str:
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()


def by_adapter(requests: Sequence[Request]) -> dict[str, list[Request]]:
    """Group requests by their adapter, in the order of first appearance."""
    groups: dict[str, list[Request]] = {}
    for request in requests:
        groups.setdefault(request.adapter, []).append(request)
    return groups


def content_key(backend: Backend, request: Request) -> str:
    """Hash what determines a completion: model, revision, input, sampling, backend family.

    Recordings answer by id, so there the id is the key.
    """
    if backend.family == "replay":
        return request.id
    pattern = request.sampling.stop_pattern
    content = [
        backend.family,
        backend.model,
        backend.revision,
        adapter_digest(request.adapter),
        request.prompt,
        [message.model_dump() for message in request.messages],
        # Without a pattern the key is what it was before there were patterns.
        request.sampling.model_dump(mode="json", exclude=None if pattern else {"stop_pattern"}),
    ]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()
