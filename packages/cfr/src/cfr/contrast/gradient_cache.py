"""Gradients of a batch that does not fit into memory: encode twice, in chunks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor

Encode = Callable[[Any], "Tensor"]


class _Noise:
    """The state of the random numbers that dropout draws, on CPU and the accelerators in use."""

    def __init__(self) -> None:
        self._cpu = torch.get_rng_state()
        self._cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []

    def restore(self) -> None:
        torch.set_rng_state(self._cpu)
        if self._cuda:
            torch.cuda.set_rng_state_all(self._cuda)


def backward_in_chunks(
    chunks: Sequence[tuple[Encode, Any]], loss_of: Callable[[list[Tensor]], Tensor]
) -> Tensor:
    """Add the gradients of a loss over many vectors to the parameters, a chunk in memory at a time.

    All chunks are encoded without a graph; the loss gives the gradient of each vector; then each
    chunk is encoded anew, with the same dropout, and takes that gradient further back. The result
    is what one backward pass over everything gives.

    Parameters
    ----------
    chunks : how a chunk is encoded and what is in it; the encoder gives (texts, dim).
    loss_of : the loss of the vectors of all chunks, in their order.

    Returns
    -------
    The loss, without a graph.
    """
    noises: list[_Noise] = []
    vectors: list[Tensor] = []
    with torch.no_grad():
        for encode, chunk in chunks:
            noises.append(_Noise())
            vectors.append(encode(chunk).detach().requires_grad_())
    after = _Noise()
    loss = loss_of(vectors)
    loss.backward()  # type: ignore[no-untyped-call]
    for (encode, chunk), noise, vector in zip(chunks, noises, vectors, strict=True):
        if vector.grad is None or not len(vector):
            continue
        noise.restore()
        torch.autograd.backward(encode(chunk), grad_tensors=vector.grad)
    after.restore()
    return loss.detach()
