"""What goes to a model and what comes back."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from math import isfinite
from typing import Annotated, Literal, NamedTuple, Protocol, Self

from pydantic import BeforeValidator, model_validator

from ..errors import UserError
from ..records import Record

# Raised when the same key would mean another answer than before.
KEY_VERSION = 3
# Below this, logits divided by the temperature leave float32.
COLDEST = 1e-3

FinishReason = Literal["stop", "length", "refused", "filtered", "error"]


def _encodable(text: object) -> object:
    """Join surrogate pairs and replace half ones, which no tokenizer, server or file can take."""
    if not isinstance(text, str):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


Text = Annotated[str, BeforeValidator(_encodable)]


class Sampling(Record):
    """How to sample; temperature 0 is greedy. `top_k` 0 and `top_p` 1 are off.

    A text ends before the first of the `stop` strings, or with the first match of `stop_pattern`
    (a regular expression; "" is off). Both act from the first visible character on: blank lines
    before an answer do not end it.

    The noise of a request comes from `seed`, its content and `sample`, so that several samples of
    one prompt differ in `sample` alone.

    A `repetition_penalty` over 1 makes tokens of the prompt and of the answer so far less likely:
    their logits are divided by it, negative ones multiplied (1 is off; the CTRL paper's rule).

    Raises
    ------
    UserError : a value that no backend can sample with.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    max_tokens: int = 256
    stop: tuple[str, ...] = ()
    seed: int = 0
    sample: int = 0
    stop_pattern: str = ""
    repetition_penalty: float = 1.0

    @model_validator(mode="after")
    def _check(self) -> Self:
        cold = 0 < self.temperature < COLDEST
        ranges = {
            "temperature": (
                f"0 (greedy), or a number from {COLDEST}",
                isfinite(self.temperature) and self.temperature >= 0 and not cold,
            ),
            "top_p": ("over 0, at most 1 (off)", 0 < self.top_p <= 1),
            "top_k": ("0 (off) or more", self.top_k >= 0),
            "max_tokens": ("1 or more", self.max_tokens >= 1),
            "stop": ("strings of at least one character", "" not in self.stop),
            "seed": ("from 0 to 2**63 - 1", 0 <= self.seed < 1 << 63),
            "sample": ("from 0 to 2**63 - 1", 0 <= self.sample < 1 << 63),
            "repetition_penalty": (
                "a number over 0 (1 is off)",
                isfinite(self.repetition_penalty) and self.repetition_penalty > 0,
            ),
            "stop_pattern": (
                "a regular expression that never matches an empty text",
                not self.stop_pattern or _ends_something(self.stop_pattern),
            ),
        }
        for name, (wanted, fits) in ranges.items():
            if not fits:
                raise UserError(f"sampling: {name} {getattr(self, name)!r}: {wanted}")
        return self

    def cut(self, text: str) -> str | None:
        """The text up to where it has to stop; None if it may go on."""
        # What lies wholly in the blanks at the head is no stop yet.
        visible = len(text) - len(text.lstrip())
        starts = [text.find(stop, max(0, visible + 1 - len(stop))) for stop in self.stop]
        stops = [start for start in starts if start >= 0]
        if stops:
            text = text[: min(stops)]
        if self.stop_pattern:
            for hit in re.finditer(self.stop_pattern, text):
                if hit.end() > visible:
                    return text[: hit.end()]
        return text if stops else None


def _ends_something(pattern: str) -> bool:
    try:
        return re.search(pattern, "") is None
    except re.error:
        return False


class Message(Record):
    """One turn of a chat."""

    role: Literal["system", "user", "assistant"]
    content: Text


class Request(Record):
    """One text to complete: a plain `prompt`, or `messages` for the model's chat template.

    `adapter` is the folder of a peft LoRA adapter to answer with (`hf`, `vllm`, and `ray` over
    them); "" is the model as it is. Whether a model can take the request shows when it is asked:
    what it cannot take comes back as a failed completion.
    """

    id: str
    prompt: Text | None = None
    messages: tuple[Message, ...] = ()
    sampling: Sampling = Sampling()
    adapter: str = ""


class Completion(Record):
    """What a model answered.

    `finish_reason` says how it ended: by itself or at a stop (`stop`), at the limit of tokens
    (`length`), because the model declined (`refused`) or the provider held it back (`filtered`), or
    not at all (`error`; `error` has the words). A failed request is a completion too, so that it
    never takes the others with it. `text` is the visible answer; what the model thought before it
    is `reasoning`. Counts are tokens.
    """

    id: str
    text: Text
    finish_reason: FinishReason
    reasoning: Text = ""
    error: Text = ""
    n_prompt_tokens: int = 0
    n_output_tokens: int = 0

    @property
    def failed(self) -> bool:
        """Whether there is no answer at all."""
        return self.finish_reason == "error"

    @property
    def outcome(self) -> str:
        """How it ended, with the words of an error: `stop`, `error: not recorded`."""
        return f"{self.finish_reason}: {self.error}" if self.error else self.finish_reason


def unanswered(request: str, words: str, n_prompt_tokens: int = 0) -> Completion:
    """The failed completion of a request (its id), with the reason in words."""
    return Completion(
        id=request,
        text="",
        finish_reason="error",
        error=words,
        n_prompt_tokens=n_prompt_tokens,
    )


class Score(NamedTuple):
    """Log-probability (nats) of a continuation: sum, and each token's."""

    total: float
    tokens: tuple[float, ...]


Keep = Callable[[Completion], None]


def forget(completion: Completion) -> None:
    """Keep nothing: whoever asks a backend without a cache."""


class Backend(Protocol):
    """What every backend offers; two models of one name differ in their identity."""

    family: str
    model: str

    @property
    def identity(self) -> str:
        """Hash of all that the answers depend on."""
        ...

    def stream(self, requests: Sequence[Request], keep: Keep = forget) -> Iterator[Completion]:
        """Complete requests; completions come as they are done, in any order.

        Parameters
        ----------
        keep : is given each completion the moment it exists, perhaps in another thread, so that
            nothing is lost while whoever reads the stream works on the one before.
        """
        ...

    def score(self, prompt: str, continuations: Sequence[str]) -> list[Score]:
        """Score continuations of one prompt."""
        ...

    def close(self) -> None:
        """Free what the backend holds."""
        ...


def noise_seed(request: Request) -> int:
    """Seed of a request's own random stream, 0 to 2**63 - 1, from seed, content and sample.

    Two prompts never draw the same noise under one seed; an adapter or a longer answer changes
    nothing, so that such runs can be compared draw by draw.
    """
    sampling = request.sampling
    messages = [[message.role, message.content] for message in request.messages]
    content = [sampling.seed, sampling.sample, request.prompt, messages]
    digest = hashlib.sha256(json.dumps(content, ensure_ascii=True).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


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
    content: list[object] = [
        KEY_VERSION,
        backend.family,
        backend.identity,
        adapter,
        request.prompt,
        [message.model_dump() for message in request.messages],
        _sampling_key(request.sampling),
    ]
    return _hash(content)


def _sampling_key(sampling: Sampling) -> dict[str, object]:
    """What an answer depends on; a setting that is off is left out: older answers stay known."""
    off = {"repetition_penalty"} if sampling.repetition_penalty == 1 else None
    return sampling.model_dump(mode="json", exclude=off)


def score_key(backend: Backend, prompt: str, continuation: str) -> str:
    """Hash what determines a score."""
    return _hash([KEY_VERSION, backend.family, backend.identity, prompt, continuation])


def _hash(content: list[object]) -> str:
    return hashlib.sha256(json.dumps(content, ensure_ascii=True).encode()).hexdigest()
