"""The same requests over a Ray cluster: one engine a worker, a lost worker loses no request."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING

from ..errors import UserError
from ..models.identity import model_identity
from ..models.spec import ModelSpec, parse_spec
from .generator import open_backend
from .types import Completion, Keep, Request, Score, forget

if TYPE_CHECKING:
    from ray import ObjectRef
    from ray.actor import ActorHandle

# Requests of one task: small enough that little is lost with a worker, large enough to batch.
TASK_SIZE = 32
ATTEMPTS = 4
# Workers that may die in one run before we believe that something is wrong with the model.
LIVES = 32


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
        self.model = str(inner)
        self.workers = _workers(spec)
        self._gpus = int(inner.options.get("tensor_parallel_size", "1"))
        self._ray: ModuleType = ray
        if not ray.is_initialized():
            os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # stay on loopback
            os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
            try:
                # No address: what RAY_ADDRESS names, else a cluster of this machine.
                ray.init(log_to_driver=False, include_dashboard=False, logging_level="ERROR")
            except (ConnectionError, RuntimeError, ValueError) as error:
                raise UserError(f"{spec}: no Ray cluster: {str(error).splitlines()[0]}") from None
        self._actors: list[ActorHandle] = []
        self._lives = LIVES

    @cached_property
    def identity(self) -> str:
        """Hash of what the answers depend on: the inner model's."""
        return model_identity(self.model)

    def _hire(self) -> ActorHandle:
        ray = self._ray
        gpus = self._gpus if ray.cluster_resources().get("GPU", 0) else 0
        # Restarts would rebuild the engine in a place that may be gone: we hire anew instead.
        worker = ray.remote(num_cpus=1, num_gpus=gpus, max_restarts=0, scheduling_strategy="SPREAD")
        return worker(_Worker).remote(self.model)

    def stream(self, requests: Sequence[Request], keep: Keep = forget) -> Iterator[Completion]:
        """Complete requests; pieces are handed to whichever worker is free.

        A worker counts from its first sign of life on, so that one for which the cluster has no
        room (any more) holds nothing up.
        """
        ray = self._ray
        size = max(1, min(TASK_SIZE, -(-len(requests) // self.workers)))
        pieces = [_Piece(list(requests[i : i + size])) for i in range(0, len(requests), size)]
        while len(self._actors) < min(self.workers, len(pieces)):
            self._actors.append(self._hire())
        pieces.reverse()
        # What each outstanding answer belongs to; None for a sign of life.
        waiting: dict[ObjectRef, tuple[ActorHandle, _Piece | None]] = {}
        for actor in self._actors:
            waiting[actor.ready.remote()] = (actor, None)
        idle: list[ActorHandle] = []
        left = len(pieces)
        while left:
            while pieces and idle:
                actor, piece = idle.pop(), pieces.pop()
                piece.attempts += 1
                waiting[actor.complete.remote(piece.requests)] = (actor, piece)
            (answer, *_), _ = ray.wait(list(waiting), num_returns=1)
            actor, asked = waiting.pop(answer)
            completions: list[Completion] = []
            try:
                completions = ray.get(answer) or []
            except ray.exceptions.RayActorError as error:
                self._actors.remove(actor)
                if asked is not None and asked.attempts < ATTEMPTS:
                    pieces.append(asked)
                elif asked is not None:
                    completions = asked.failed(error)
                self._lives -= 1
                if self._lives < 0:
                    raise UserError(f"ray: workers keep dying: {_first_line(error)}") from None
                actor = self._hire()
                self._actors.append(actor)
                waiting[actor.ready.remote()] = (actor, None)
            except ray.exceptions.RayTaskError as error:
                if isinstance(error.cause, UserError):
                    raise UserError(error.cause.message, error.cause.hint) from None
                raise
            else:
                idle.append(actor)
            if completions:
                left -= 1
                for completion in completions:
                    keep(completion)
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


@dataclass
class _Piece:
    """Requests that go to a worker together, and how often they went."""

    requests: list[Request]
    attempts: int = 0

    def failed(self, error: Exception) -> list[Completion]:
        trouble = f"its worker died {self.attempts} times: {_first_line(error)}"
        return [
            Completion(id=request.id, text="", finish_reason="error", error=trouble)
            for request in self.requests
        ]


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


class _Worker:
    """What runs on the cluster: one backend, opened once."""

    def __init__(self, spec: str) -> None:
        self.backend = open_backend(parse_spec(spec), 0)

    def ready(self) -> None:
        """Say that the backend is open."""

    def complete(self, requests: list[Request]) -> list[Completion]:
        return list(self.backend.stream(requests))

    def score(self, prompt: str, continuations: list[str]) -> list[Score]:
        return self.backend.score(prompt, continuations)


def _workers(spec: ModelSpec) -> int:
    text = spec.options.get("workers", "1")
    if not text.isdigit() or int(text) < 1:
        raise UserError(f"{spec}: workers={text}", "a whole number from 1 is wanted")
    return int(text)
