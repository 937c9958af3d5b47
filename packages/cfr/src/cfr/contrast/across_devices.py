"""Several processes, one batch: documents of all of them are negatives for the queries of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import torch
import torch.distributed as dist

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

T = TypeVar("T")


def n_processes() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """Number of this process, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def gather_with_gradient(vectors: Tensor) -> Tensor:
    """Vectors of all processes, (processes * rows, dim), by rank; every process has as many rows.

    The gradient comes back to the process that the vectors are from, summed over all losses.
    """
    if n_processes() == 1:
        return vectors
    gathered: Tensor = _Gather.apply(vectors)
    return gathered


class _Gather(torch.autograd.Function):
    """All processes' vectors; backwards, what all of them say of this process's own."""

    @staticmethod
    def forward(_: object, vectors: Tensor) -> Tensor:  # type: ignore[override]
        vectors = vectors.contiguous()
        parts = [torch.empty_like(vectors) for _ in range(n_processes())]
        dist.all_gather(parts, vectors)
        return torch.cat(parts)

    @staticmethod
    def backward(_: object, gradient: Tensor) -> Tensor:  # type: ignore[override]
        total = gradient.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total.chunk(n_processes())[rank()]


def gather_objects(value: T) -> list[T]:
    """A value of every process, by rank."""
    if n_processes() == 1:
        return [value]
    gathered: list[T | None] = [None] * n_processes()
    dist.all_gather_object(gathered, value)
    return gathered  # type: ignore[return-value]


def sum_gradients(parameters: Iterable[Tensor]) -> None:
    """Add up the gradients of all processes, so that every one takes the same step."""
    if n_processes() == 1:
        return
    for parameter in parameters:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        dist.all_reduce(parameter.grad)
