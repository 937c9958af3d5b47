"""Any OpenAI-compatible server, through the `openai` client; pace and retries are the run's."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from ..errors import UserError
from ..models.identity import model_identity, redacted
from ..models.spec import ModelSpec
from .answers import read_answer, split_thought
from .pacing import CLOSING_SECONDS, Background, Limiter, backoff, number
from .types import Completion, FinishReason, Keep, Request, Score, forget, noise_seed

if TYPE_CHECKING:
    from openai import APIError

PUBLIC_URL = "https://api.openai.com/v1"
CONCURRENCY = 16
READ_SECONDS, CONNECT_SECONDS = 600.0, 20.0
# Requests that wait after a failure take no place of the others, up to so many times as many.
WAITING = 4
MOST_STOPS = 4  # of OpenAI's own API
_AGAIN = {408, 409, 425}
_FATAL = {401: "check OPENAI_API_KEY", 402: "", 403: "", 404: "check the name and the address"}
_OUT_OF_MONEY = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
_FILTERS = ("content_filter", "content_policy", "moderation", "flagged")
SECRET_LENGTH = 8  # shorter ones are words of answers, or EMPTY


class _Trouble(NamedTuple):
    """Why there is no answer yet, and whether to ask for it again."""

    words: str
    again: bool = True
    too_fast: bool = False
    filtered: bool = False
    asked_wait: float | None = None  # seconds


class OpenAIBackend:
    """Sends plain prompts to `/completions` and chats to `/chat/completions`.

    `OPENAI_BASE_URL` is the address where the model spec has none; `OPENAI_API_KEY` the key (user
    and password may stand in the address); `TENPAPERS_CONCURRENCY` the number of requests at a time
    (default 16) and `TENPAPERS_TIMEOUT` the seconds one may take (default 600).

    A server that asks to slow down slows all requests down. Other failures are retried with backoff
    for as long as `patience` says. What no request can mend stops the run with the server's words.

    Parameters
    ----------
    patience : seconds.

    Raises
    ------
    UserError : the key is missing for the public address, the address is none; while streaming:
        nobody is there, the key is refused, the money is used up.
    """

    family = "openai"

    def __init__(self, spec: ModelSpec, *, patience: float) -> None:
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient, Timeout

        address = spec.base_url or os.environ.get("OPENAI_BASE_URL") or PUBLIC_URL
        self.base_url = redacted(address)
        user, password = _credentials(address)
        key = os.environ.get("OPENAI_API_KEY", "")
        _check(spec, self.base_url, key)
        self._own = (urlsplit(self.base_url).hostname or "").endswith("api.openai.com")
        login = base64.b64encode(f"{user}:{password}".encode()).decode() if user else ""
        # A user without a password is a token.
        self._secrets = [secret for secret in (key, login, password or user) if secret]
        self.model = spec.name
        self.identity = model_identity(replace(spec, base_url=self.base_url))
        self._template_options = spec.template_options
        self.workers = int(number("TENPAPERS_CONCURRENCY", CONCURRENCY, least=1))
        seconds = number("TENPAPERS_TIMEOUT", READ_SECONDS, least=0.001)
        self._limiter = Limiter(self.workers, patience)
        self._client = AsyncOpenAI(
            api_key=key or "none",
            base_url=self.base_url,
            max_retries=0,  # the limiter knows of all requests, the client of one
            http_client=DefaultAsyncHttpxClient(
                auth=(user, password) if user else None,
                timeout=Timeout(seconds, connect=CONNECT_SECONDS),
            ),
        )
        self._background: Background | None = None
        self._reached = False  # whether anybody ever answered at this address
        self._sends_stops = True

    def stream(self, requests: Sequence[Request], keep: Keep = forget) -> Iterator[Completion]:
        """Complete requests side by side; one that keeps failing becomes a failed completion."""
        self._background = self._background or Background()
        self._limiter.begin()
        waiting = self.workers * WAITING
        return self._background.stream(requests, self._complete, keep, in_flight=waiting)

    async def _complete(self, request: Request) -> Completion:
        if request.adapter:
            raise UserError(
                f"{request.adapter}: a server is not sent adapters",
                "serve it under a name of its own, or use an hf: or vllm: model",
            )
        failures, since = 0, 0.0
        while True:
            async with self._limiter as sent:
                answer = await self._ask(request)
            if isinstance(answer, Completion):
                self._limiter.answered()
                return answer
            since = since or time.monotonic()
            failures += 1
            error = self._clean(answer.words)
            if (answer.asked_wait or 0) > self._limiter.patience:
                asked = f"it asks to wait {answer.asked_wait:.0f} s; --patience allows less"
                raise UserError(f"{self.base_url}: {error}", asked)
            if not answer.again or self._limiter.gives_up(since, too_fast=answer.too_fast):
                reason: FinishReason = "filtered" if answer.filtered else "error"
                return Completion(id=request.id, text="", finish_reason=reason, error=error)
            if answer.too_fast:
                self._limiter.slow_down(sent, answer.asked_wait)
            else:
                await asyncio.sleep(answer.asked_wait or backoff(failures))

    async def _ask(self, request: Request) -> Completion | _Trouble:
        stops = bool(request.sampling.stop) and self._sends_stops
        answer = await self._send(request, stops=stops)
        if not stops or not isinstance(answer, Completion) or answer.finish_reason != "stop":
            return answer
        reasoning, text = split_thought(answer.text)
        if text.strip():
            return answer
        # A stop in a thought or in the blanks at the head is none: ours are found in what is seen.
        if reasoning or answer.reasoning:
            self._sends_stops = False
        return await self._send(request, stops=False)

    async def _send(self, request: Request, *, stops: bool) -> Completion | _Trouble:
        from openai import APIConnectionError, APIError, APIStatusError

        path, body = self._body(request, stops=stops)
        try:
            answer = await self._client.post(path, body=body, cast_to=object)
        except APIStatusError as error:
            self._reached = True
            return self._read_error(
                error.status_code, _said(error), error.code or error.type or "", error
            )
        except APIConnectionError as error:
            cause = error.__cause__ or error
            words = f"{type(cause).__name__}: {cause}".removesuffix(": ")
            if not self._reached and type(cause).__name__.startswith("Connect"):
                raise UserError(f"{self.base_url}: {words}", "is a server running there?") from None
            return _Trouble(words)
        except (APIError, ValueError) as error:
            return _Trouble(f"not an answer: {error}")
        return self._read(request, answer)

    def _read(self, request: Request, answer: object) -> Completion | _Trouble:
        """Read what came with status 200; that may be an error too."""
        first, self._reached = not self._reached, True
        if not isinstance(answer, dict):
            words = f"not an answer: {_plain(str(answer))}"
            if first:
                raise UserError(f"{self.base_url}: {self._clean(words)}", _FATAL[404])
            return _Trouble(words)
        error = answer.get("error")
        if error and not answer.get("choices"):
            error = error if isinstance(error, dict) else {"message": str(error)}
            code = str(error.get("code") or error.get("type") or "")
            status = int(code) if re.fullmatch(r"[45]\d\d", code) else 400
            return self._read_error(status, _plain(str(error.get("message") or error)), code)
        try:
            completion = read_answer(request.id, answer)
        except (LookupError, TypeError, ValueError, AttributeError):
            return _Trouble(f"not an answer: {_plain(json.dumps(answer))}", again=False)
        long = [secret for secret in self._secrets if len(secret) >= SECRET_LENGTH]
        fields = ("text", "reasoning", "error")
        told = {name: _without(long, getattr(completion, name)) for name in fields}
        return completion.model_copy(update=told)

    def _read_error(
        self, status: int, said: str, code: str, error: APIError | None = None
    ) -> _Trouble:
        words = f"HTTP {status}: {said}"
        lowered = f"{code} {said}".lower()
        if status in (400, 403) and any(word in lowered for word in _FILTERS):
            return _Trouble(words, again=False, filtered=True)
        if status in _FATAL or code in _OUT_OF_MONEY:
            raise UserError(f"{self.base_url}: {self._clean(words)}", _FATAL.get(status, ""))
        response = getattr(error, "response", None)
        wait = _asked_wait(response.headers) if response is not None else None
        again = status == 429 or status in _AGAIN or status >= 500
        return _Trouble(words, again=again, too_fast=status == 429, asked_wait=wait)

    def _clean(self, words: str) -> str:
        return _without(self._secrets, words)

    def _body(self, request: Request, *, stops: bool) -> tuple[str, dict[str, Any]]:
        sampling = request.sampling
        body: dict[str, Any] = {
            "model": self.model,
            "temperature": sampling.temperature,
            "max_tokens": sampling.max_tokens,
            "seed": noise_seed(request) % (1 << 31),  # what every server takes
        }
        if sampling.top_p < 1:
            body["top_p"] = sampling.top_p
        if stops:
            body["stop"] = list(sampling.stop[: MOST_STOPS if self._own else None])
        if sampling.top_k > 0:  # not in OpenAI's own API, but in vLLM's and others'
            body["top_k"] = sampling.top_k
        if sampling.repetition_penalty != 1:  # the same
            body["repetition_penalty"] = sampling.repetition_penalty
        if request.prompt is not None:
            return "/completions", body | {"prompt": request.prompt}
        body |= {"messages": [message.model_dump() for message in request.messages]}
        if self._own:
            body["max_completion_tokens"] = body.pop("max_tokens")
        elif request.messages and request.messages[-1].role == "assistant":
            # a prefill, as vLLM's server understands it
            body |= {"continue_final_message": True, "add_generation_prompt": False}
        if self._template_options:
            body["chat_template_kwargs"] = self._template_options
        return "/chat/completions", body

    def score(self, prompt: str, continuations: Sequence[str]) -> list[Score]:
        """Refuse: servers differ in whether and how they give a prompt's probabilities."""
        raise UserError("an openai: model cannot score", "use an hf: or vllm: model")

    def close(self) -> None:
        """Close the connections."""
        if self._background is not None:
            self._background.run(self._client.close(), seconds=CLOSING_SECONDS)
            self._background.close()
            self._background = None


def _credentials(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return unquote(parts.username or ""), unquote(parts.password or "")


def _check(spec: ModelSpec, address: str, key: str) -> None:
    if not re.match(r"https?://[^/]", address):
        raise UserError(f"{address}: not an address", "it begins with http:// or https://")
    if not key and address == PUBLIC_URL:
        raise UserError(f"{spec}: no key", "set OPENAI_API_KEY, or name a server (openai:NAME@URL)")


def _said(error: APIError) -> str:
    body = error.body
    message = body.get("message") if isinstance(body, dict) else None
    return _plain(str(message or body or error.message))


def _plain(said: str) -> str:
    """A server's words in one line, without the markup of a page."""
    said = re.sub(r"(?is)<(script|style)\b.*?</\1>|<[^>]*>", " ", said)
    return " ".join(said.split())[:200]


def _without(secrets: Sequence[str], words: str) -> str:
    for secret in secrets:
        words = words.replace(secret, "[redacted]")
    return words


def _asked_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds of a `Retry-After`, which may be a date; None where there is none."""
    try:
        if milliseconds := headers.get("retry-after-ms"):
            return max(0.0, float(milliseconds) / 1000)
        text = headers.get("retry-after")
        if not text:
            return None
        if re.fullmatch(r"[\d.]+", text.strip()):
            return float(text)
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None
