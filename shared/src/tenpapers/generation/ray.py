"""The same requests over a Ray cluster: one engine a worker, a lost worker loses no request."""

import os
from collections.abc import Iterator, Sequence
from typing import Any

from ..errors import UserError
from ..models.spec import ModelSpec, parse_spec
from .types import Completion, Request, Score

# Requests of one task: small enough that little is lost with a worker, large enough to batch.
TASK_SIZE = 32
ATTEMPTS = 4


class RayBackend:
    """Runs the inner spec in `workers` actors of the cluster that `RAY_ADDRESS` names.

    Without a running cluster a local one is started, bound to loopback. Each actor takes one GPU
    (`tensor_parallel_size` of them for vLLM) where the cluster has any. An actor that dies is
    replaced and its requests are asked again.

    Raises
    ------
    UserError : Ray is not installed, or the cluster cannot be reached.
    """

    family = "ray"

    def __init__(self, spec: ModelSpec) -> None:
        inner = parse_spec(spec.name)
        if inner.backend not in ("hf", "vllm"):
            raise UserError(f"{spec}: ray runs hf: and vllm: models, not {inner.backend}:")
        try:
            import ray
        except ImportError:
            raise UserError(f"{spec}: Ray is not installed", "install the extra [ray]") from None
        self.model, self.revision = str(inner), inner.options.get("revision", "local")
        self.workers = _workers(spec)
        self._gpus = int(inner.options.get("tensor_parallel_size", "1"))
        self._ray: Any = ray
        if not ray.is_initialized():
            os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # stay on loopback
            os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
            try:
                # No address: what RAY_ADDRESS names, else a cluster of this machine.
                ray.init(log_to_driver=False, include_dashboard=False, logging_level="ERROR")
            except (ConnectionError, RuntimeError, ValueError) as error:
                raise UserError(f"{spec}: no Ray cluster: {str(error).splitlines()[0]}") from None
        self._actors: list[Any] = []

    def _hire(self) -> Any:
        ray = self._ray
        gpus = self._gpus if ray.cluster_resources().get("GPU", 0) else 0
        # Restarts would rebuild the engine in a place that may be gone: we hire anew instead.
        worker = ray.remote(num_cpus=1, num_gpus=gpus, max_restarts=0, scheduling_strategy="SPREAD")
        return worker(_Worker).remote(self.model)

    def stream(self, requests: Sequence[Request]) -> Iterator[Completion]:
        """Complete requests; pieces are handed to whichever worker is free."""
        ray = self._ray
        size = max(1, min(TASK_SIZE, -(-len(requests) // self.workers)))
        pieces = [(list(requests[i : i + size]), 0) for i in range(0, len(requests), size)]
        pieces.reverse()
        wanted = min(self.workers, len(pieces))
        while len(self._actors) < wanted:
            self._actors.append(self._hire())
        idle = list(self._actors)
        running: dict[Any, tuple[Any, list[Request], int]] = {}
        while pieces or running:
            while pieces and idle:
                actor = idle.pop()
                piece, attempt = pieces.pop()
                running[actor.complete.remote(piece)] = (actor, piece, attempt)
            (ready, *_), _ = ray.wait(list(running), num_returns=1)
            actor, piece, attempt = running.pop(ready)
            try:
                completions = ray.get(ready)
            except ray.exceptions.RayActorError as error:
                self._actors.remove(actor)
                if attempt + 1 < ATTEMPTS:
                    self._actors.append(self._hire())
                    idle.append(self._actors[-1])
                    pieces.append((piece, attempt + 1))
                    continue
                if not self._actors:
                    self._actors.append(self._hire())
                    idle.append(self._actors[-1])
                reason = f"error: its worker died {ATTEMPTS} times: {str(error).splitlines()[0]}"
                for request in piece:
                    yield Completion(id=request.id, text="", finish_reason=reason)
                continue
            except ray.exceptions.RayTaskError as error:
                cause = error.cause
                if isinstance(cause, UserError):
                    raise UserError(cause.message, cause.hint) from None
                raise
            idle.append(actor)
            yield from completions

    def score(self, prompt: str, continuations: Sequence[str]) -> list[Score]:
        """Score on one worker."""
        if not self._actors:
            self._actors.append(self._hire())
        return list(self._ray.get(self._actors[0].score.remote(prompt, list(continuations))))

    def close(self) -> None:
        """Let the workers go; the cluster stays as it was found."""
        for actor in self._actors:
            self._ray.kill(actor)
        self._actors = []


class _Worker:
    """What runs on the cluster: one backend, opened once."""

    def __init__(self, spec: str) -> None:
        from .generator import open_backend

        self.backend = open_backend(parse_spec(spec))

    def complete(self, requests: list[Request]) -> list[Completion]:
        return list(self.backend.stream(requests))

    def score(self, prompt: str, continuations: list[str]) -> list[Score]:
        return self.backend.score(prompt, continuations)


def _workers(spec: ModelSpec) -> int:
    text = spec.options.get("workers", "1")
    if not text.isdigit() or int(text) < 1:
        raise UserError(f"{spec}: workers={text}", "a whole number from 1 is wanted")
    return int(text)
