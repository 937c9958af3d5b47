"""Any OpenAI-compatible server: bounded concurrency, retries with backoff."""

import os
import random
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from typing import Any

from ..errors import UserError
from ..models.identity import model_identity
from ..models.spec import ModelSpec
from .answers import read_ending
from .types import Completion, Keep, Request, Score, forget

PUBLIC_URL = "https://api.openai.com/v1"
CONCURRENCY = 16
ATTEMPTS = 6
FIRST_WAIT = 0.5  # seconds; doubles with every attempt
LONGEST_WAIT = 30.0
READ_SECONDS = 600.0
_RETRY = {408, 409, 425, 429, 500, 502, 503, 504}


class OpenAIBackend:
    """Sends plain prompts to `/completions` and chats to `/chat/completions`.

    `OPENAI_BASE_URL` is the address where the model spec has none; `OPENAI_API_KEY` the key;
    `TENPAPERS_CONCURRENCY` the number of requests at a time (default 16) and
    `TENPAPERS_TIMEOUT` the seconds one may take (default 600).

    Raises
    ------
    UserError : the key is missing for the public address, or refused.
    """

    family = "openai"

    def __init__(self, spec: ModelSpec) -> None:
        import httpx

        self.base_url = (spec.base_url or os.environ.get("OPENAI_BASE_URL") or PUBLIC_URL).rstrip(
            "/"
        )
        key = os.environ.get("OPENAI_API_KEY", "")
        if not key and self.base_url == PUBLIC_URL:
            raise UserError(
                f"{spec}: no key", "set OPENAI_API_KEY, or name a server (openai:NAME@URL)"
            )
        self.model = spec.name
        self.identity = model_identity(replace(spec, base_url=self.base_url))
        self.workers = _positive("TENPAPERS_CONCURRENCY", CONCURRENCY)
        seconds = _positive("TENPAPERS_TIMEOUT", READ_SECONDS)
        self._client = httpx.Client(
            base_url=self.base_url,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(seconds, connect=20.0),
            limits=httpx.Limits(max_connections=int(self.workers)),
        )
        self._stopped = threading.Event()

    def stream(self, requests: Sequence[Request], keep: Keep = forget) -> Iterator[Completion]:
        """Complete requests side by side; one that keeps failing becomes a failed completion."""
        self._stopped.clear()
        pool = ThreadPoolExecutor(int(self.workers))
        try:
            futures = [pool.submit(self._complete, request) for request in requests]
            for future in as_completed(futures):
                keep(future.result())
                yield future.result()
        finally:
            self._stopped.set()
            pool.shutdown(wait=True, cancel_futures=True)

    def _complete(self, request: Request) -> Completion:
        import httpx

        if request.adapter:
            raise UserError(
                f"{request.adapter}: a server is not sent adapters",
                "serve it under a name of its own, or use an hf: or vllm: model",
            )
        path, body = self._body(request)
        trouble = "not sent"
        for attempt in range(ATTEMPTS):
            wait = min(LONGEST_WAIT, FIRST_WAIT * 2**attempt) * (0.5 + random.random() / 2)
            try:
                response = self._client.post(path, json=body)
            except httpx.HTTPError as error:
                trouble = f"{type(error).__name__}: {error}"
            else:
                if response.status_code == 200:
                    try:
                        return _parse(request.id, response.json())
                    except (ValueError, KeyError, IndexError, TypeError):
                        trouble = "the answer is not a completion"
                else:
                    said = " ".join(response.text.split())[:200]
                    trouble = f"HTTP {response.status_code}: {said}"
                    if response.status_code in (401, 403):
                        raise UserError(f"{self.base_url}: {trouble}", "check OPENAI_API_KEY")
                    if response.status_code not in _RETRY:
                        break
                    wait = _asked_wait(response.headers.get("retry-after"), wait)
            if attempt + 1 < ATTEMPTS and self._stopped.wait(wait):
                break
        return Completion(id=request.id, text="", finish_reason="error", error=trouble)

    def _body(self, request: Request) -> tuple[str, dict[str, Any]]:
        sampling = request.sampling
        body: dict[str, Any] = {
            "model": self.model,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_tokens,
            "seed": sampling.seed,
        }
        if sampling.stop:
            body["stop"] = list(sampling.stop)
        if sampling.top_k > 0:  # not in OpenAI's own API, but in vLLM's and others'
            body["top_k"] = sampling.top_k
        if request.prompt is not None:
            return "/completions", body | {"prompt": request.prompt}
        messages = [message.model_dump() for message in request.messages]
        if self.base_url == PUBLIC_URL:
            body["max_completion_tokens"] = body.pop("max_tokens")
        elif messages[-1]["role"] == "assistant":  # a prefill, as vLLM's server understands it
            body |= {"continue_final_message": True, "add_generation_prompt": False}
        return "/chat/completions", body | {"messages": messages}

    def score(self, prompt: str, continuations: Sequence[str]) -> list[Score]:
        """Refuse: servers differ in whether and how they give a prompt's probabilities."""
        raise UserError("an openai: model cannot score", "use an hf: or vllm: model")

    def close(self) -> None:
        """Close the connections."""
        self._stopped.set()
        self._client.close()


def _parse(name: str, answer: dict[str, Any]) -> Completion:
    choice = answer["choices"][0]
    message = choice.get("message") or {}
    text = choice["text"] if "text" in choice else message.get("content") or ""
    reason, error = read_ending(choice.get("finish_reason"))
    if message.get("refusal"):
        text, reason = message["refusal"], "refused"
    usage = answer.get("usage") or {}
    return Completion(
        id=name,
        text=text,
        finish_reason=reason,
        error=error,
        n_prompt_tokens=int(usage.get("prompt_tokens") or 0),
        n_output_tokens=int(usage.get("completion_tokens") or 0),
    )


def _asked_wait(header: str | None, otherwise: float) -> float:
    try:
        return min(LONGEST_WAIT * 4, max(0.0, float(header))) if header else otherwise
    except ValueError:
        return otherwise


def _positive(name: str, default: float) -> float:
    text = os.environ.get(name)
    try:
        value = float(text) if text else float(default)
    except ValueError:
        value = 0.0
    if value <= 0:
        raise UserError(f"{name} is {text!r}", "a positive number is wanted")
    return value
