"""The same requests over a Ray cluster: one engine a worker, a lost worker loses no request."""

from __future__ import annotations

import logging
import os
import re
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from queue import Empty, SimpleQueue
from types import ModuleType
from typing import TYPE_CHECKING, TypeVar

from ..errors import UserError, first_line
from ..models.identity import model_identity
from ..models.spec import ModelSpec, parse_spec
from .generator import open_backend
from .types import Completion, Keep, Request, Score, forget, unanswered

if TYPE_CHECKING:
    from ray import ObjectRef
    from ray.actor import ActorHandle

log = logging.getLogger(__name__)

# Requests that a worker has at a time: vLLM runs them together, hf one half after the other.
PER_WORKER = {"hf": 64, "vllm": 256}
ATTEMPTS = 4
# Workers that may die in one run before we believe that something is wrong with the model.
LIVES = 32
CONNECT_SECONDS = 10.0
LOOK_SECONDS = 5.0  # how often we look whether a worker found room

ResultT = TypeVar("ResultT")


class RayBackend:
    """Runs the inner spec in `workers` actors of the cluster that `RAY_ADDRESS` names.

    Without a running cluster a local one is started, bound to loopback. Each actor takes one GPU
    (`tensor_parallel_size` of them for vLLM) where the cluster has any. Each has `per_worker`
    requests at a time and gets the next as others are done. An actor that dies is replaced and its
    requests are asked again.

    Parameters
    ----------
    patience : seconds to wait for the first worker to find room.

    Raises
    ------
    UserError : Ray is not installed, the cluster cannot be reached; while streaming: it has no
        room, its workers keep dying.
    """

    family = "ray"

    def __init__(self, spec: ModelSpec, *, patience: float) -> None:
        inner = parse_spec(spec.name)
        if inner.backend not in PER_WORKER:
            raise UserError(f"{spec}: ray runs hf: and vllm: models, not {inner.backend}:")
        try:
            import ray
        except ImportError:
            raise UserError(f"{spec}: Ray is not installed", "install the extra [ray]") from None
        self.model = str(inner)
        self.patience = patience
        self.workers = _count(spec, "workers", 1)
        self.per_worker = _count(spec, "per_worker", PER_WORKER[inner.backend])
        self._at_once = self.per_worker if inner.backend == "vllm" else min(2, self.per_worker)
        self._on_cpu = inner.options.get("device", "").startswith("cpu")
        self._gpus = _count(inner, "tensor_parallel_size", 1)
        self._ray: ModuleType = ray
        if not ray.is_initialized():
            os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # stay on loopback
            os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
            how = {"log_to_driver": False, "include_dashboard": False, "logging_level": "ERROR"}
            try:
                ray.init(address=_living_cluster(), **how)
            except (ConnectionError, RuntimeError, ValueError) as error:
                raise UserError(f"{spec}: no Ray cluster: {first_line(error)}") from None
        self._hired: list[_Hired] = []
        self._lives = LIVES

    @cached_property
    def identity(self) -> str:
        """Hash of what the answers depend on: the inner model's."""
        return model_identity(self.model)

    def _needs(self) -> dict[str, int]:
        has_gpus = self._ray.cluster_resources().get("GPU", 0) > 0 and not self._on_cpu
        return {"CPU": 1, "GPU": self._gpus} if has_gpus else {"CPU": 1}

    def _hire(self) -> _Hired:
        needs = self._needs()
        # Restarts would rebuild the engine in a place that may be gone: we hire anew instead.
        actor = self._ray.remote(
            num_cpus=needs["CPU"],
            num_gpus=needs.get("GPU", 0),
            max_restarts=0,
            max_concurrency=self._at_once + 1,
            scheduling_strategy="SPREAD",
        )
        hired = _Hired(actor(_Worker).remote(self.model))
        self._hired.append(hired)
        return hired

    def stream(self, requests: Sequence[Request], keep: Keep = forget) -> Iterator[Completion]:
        """Complete requests; pieces are handed to whichever worker has room for more."""
        share = -(-len(requests) // self.workers)
        size = max(1, min(self.per_worker // self._at_once, share))
        pieces = [_Piece(list(requests[i : i + size])) for i in range(0, len(requests), size)]
        pieces.reverse()
        run = _Run()
        for hired in self._hired:
            run.expect_open(hired)
        while len(self._hired) < min(self.workers, len(pieces)):
            run.expect_open(self._hire())
        left = len(pieces)
        try:
            while left:
                for hired in self._hired:
                    while pieces and hired.opened and hired.n_busy < self._at_once:
                        run.send(hired, pieces.pop())
                signal = self._next_signal(run)
                completions = self._read(signal, run, pieces)
                for completion in completions:
                    keep(completion)
                left -= bool(completions)
                yield from completions
        finally:
            if any(hired.n_busy for hired in self._hired):
                self.close()  # whoever stops reading wants no more answers

    def _next_signal(self, run: _Run) -> _Signal:
        """Wait for a worker to say something; for as long as patience says while none has room."""
        began, told = time.monotonic(), False
        while True:
            try:
                return run.signals.get(timeout=min(LOOK_SECONDS, self.patience + 0.1))
            except Empty:
                if any(hired.placed for hired in self._hired):
                    continue
            missing = self._missing()
            if time.monotonic() - began > self.patience:
                passed = f"no room for {self.patience:g} s"
                raise UserError(f"ray: {passed}: {missing}", "--patience waits longer") from None
            if not told:
                log.warning("ray: waiting for room: %s", missing)
                told = True

    def _missing(self) -> str:
        total, free = self._ray.cluster_resources(), self._ray.available_resources()
        needs = self._needs()
        wanted = " and ".join(f"{count} {kind}" for kind, count in needs.items())
        found = " and ".join(
            f"{free.get(kind, 0):g} of {total.get(kind, 0):g} {kind}s" for kind in needs
        )
        return f"a worker needs {wanted}, the cluster has {found} free"

    def _read(self, signal: _Signal, run: _Run, pieces: list[_Piece]) -> list[Completion]:
        ray, (hired, piece, reference) = self._ray, signal
        hired.n_busy -= piece is not None
        try:
            completions = ray.get(reference)
        except ray.exceptions.RayActorError as error:
            if hired in self._hired:
                self._hired.remove(hired)
                self._lives -= 1
                if self._lives < 0:
                    raise UserError(f"ray: workers keep dying: {first_line(error)}") from None
                run.expect_open(self._hire())
            if piece is None or piece.attempts < ATTEMPTS:
                pieces += [piece] if piece else []
                return []
            return piece.failed(error)
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, UserError):
                raise UserError(error.cause.message, error.cause.hint) from None
            raise
        hired.placed = True
        if piece is None:
            hired.opened = reference == hired.opening
            return []
        return list(completions)

    def score(self, prompt: str, continuations: Sequence[str]) -> list[Score]:
        """Score on one worker."""
        run = _Run()
        hired = self._hired[0] if self._hired else self._hire()
        run.expect_open(hired)
        while not hired.opened:
            self._read(self._next_signal(run), run, [])
        return list(self._ray.get(hired.actor.score.remote(prompt, list(continuations))))

    def close(self) -> None:
        """Let the workers go; the cluster stays as it was found."""
        for hired in self._hired:
            self._ray.kill(hired.actor)
        self._hired = []


@dataclass
class _Piece:
    """Requests that go to a worker together, and how often they went."""

    requests: list[Request]
    attempts: int = 0

    def failed(self, error: Exception) -> list[Completion]:
        trouble = f"its worker died {self.attempts} times: {first_line(error)}"
        return [unanswered(request.id, trouble) for request in self.requests]


class _Hired:
    """A worker as we know it: whether it found room and has its model, what it works on."""

    def __init__(self, actor: ActorHandle) -> None:
        self.actor = actor
        self.placed = self.opened = False
        self.n_busy = 0
        self.placing, self.opening = actor.placed.remote(), actor.open.remote()


_Signal = tuple[_Hired, _Piece | None, "ObjectRef"]


@dataclass
class _Run:
    """What the workers say during one stream, in the order they say it."""

    signals: SimpleQueue[_Signal] = field(default_factory=SimpleQueue)

    def expect_open(self, hired: _Hired) -> None:
        if not hired.opened:
            self._expect(hired, None, hired.placing)
            self._expect(hired, None, hired.opening)

    def send(self, hired: _Hired, piece: _Piece) -> None:
        piece.attempts += 1
        hired.n_busy += 1
        self._expect(hired, piece, hired.actor.complete.remote(piece.requests))

    def _expect(self, hired: _Hired, piece: _Piece | None, reference: ObjectRef) -> None:
        signal = (hired, piece, reference)
        reference.future().add_done_callback(lambda _: self.signals.put(signal))


def _living_cluster() -> str | None:
    """Which cluster to join, as `ray.init` takes it: None is what RAY_ADDRESS names or this
    machine has, "local" a new one. Ray itself would wait minutes for one that is gone.
    """
    named = os.environ.get("RAY_ADDRESS", "")
    last = Path(tempfile.gettempdir(), "ray", "ray_current_cluster")  # Ray's own note
    address = named or (last.read_text().strip() if last.is_file() else "")
    parts = re.fullmatch(r"(?:ray://)?([^/]+):(\d+)", address)
    if parts is None:
        return None
    try:
        socket.create_connection((parts[1], int(parts[2])), timeout=CONNECT_SECONDS).close()
    except OSError as error:
        if named:
            raise UserError(f"RAY_ADDRESS={named}: no cluster there: {error.strerror}") from None
        return "local"
    return None


class _Worker:
    """What runs on the cluster: one backend, opened once; several threads ask it."""

    def __init__(self, spec: str) -> None:
        self.spec = parse_spec(spec)
        self.turn = threading.Lock()

    def placed(self) -> None:
        """Say that there is room."""

    def open(self) -> None:
        """Load the model."""
        self.backend = open_backend(self.spec, 0)

    def complete(self, requests: list[Request]) -> list[Completion]:
        """Complete requests: vLLM all together, hf one piece after the other."""
        if self.spec.backend == "vllm":
            return list(self.backend.stream(requests))
        with self.turn:
            return list(self.backend.stream(requests))

    def score(self, prompt: str, continuations: list[str]) -> list[Score]:
        """Score on this worker."""
        with self.turn:
            return list(self.backend.score(prompt, continuations))


def _count(spec: ModelSpec, name: str, default: int) -> int:
    text = spec.options.get(name, str(default))
    if not text.isdigit() or int(text) < 1:
        raise UserError(f"{spec}: {name}={text}", "a whole number from 1 is wanted")
    return int(text)
