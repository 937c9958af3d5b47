"""One step: vectors of a batch, their loss over all processes, the gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..contrast.across_devices import gather_objects, gather_with_gradient, rank, sum_gradients
from ..contrast.batches import Batch, mask_of
from ..contrast.gradient_cache import Encode, backward_in_chunks
from ..contrast.losses import info_nce
from ..retrieval.encoder import Side
from .trained_models import Trainable, chunks_of

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from ..contrast.tuples import TrainingSet
    from .settings import TrainSettings


def share_of(batch: Batch, process: int, processes: int) -> Batch:
    """The part of a batch that a process encodes: every so-manieth row with its columns."""
    if processes == 1:
        return batch
    rows = np.arange(process, len(batch), processes)
    place = np.full(len(batch), -1)
    place[rows] = np.arange(len(rows))
    own = np.flatnonzero(place[batch.owner] >= 0)
    return Batch(batch.rows[rows], batch.columns[own], place[batch.owner[own]])


def backward(model: Trainable, batch: Batch, data: TrainingSet, settings: TrainSettings) -> float:
    """Add the gradients of a batch to the parameters; gives the batch's loss.

    Parameters
    ----------
    batch : this process's part; the loss is the mean over the rows of all processes.
    """
    chunks: list[tuple[Encode, np.ndarray]] = [
        *((_encoder(model, "query"), part) for part in chunks_of(batch.rows, settings.chunk)),
        *((_encoder(model, "document"), part) for part in chunks_of(batch.columns, settings.chunk)),
    ]
    n_queries = sum(1 for _ in chunks_of(batch.rows, settings.chunk))
    places = _places(batch)

    def loss_of(vectors: list[Tensor]) -> Tensor:
        queries, documents = torch.cat(vectors[:n_queries]), torch.cat(vectors[n_queries:])
        return _loss(queries, documents, batch, places, data, settings)

    if settings.chunk:
        loss = backward_in_chunks(chunks, loss_of)
    else:
        loss = loss_of([encode(part) for encode, part in chunks])
        loss.backward()  # type: ignore[no-untyped-call]
    penalty = model.penalty()
    if penalty is not None and rank() == 0:
        penalty.backward()  # type: ignore[no-untyped-call]
    sum_gradients(model.parameters.values())
    return sum(gather_objects(float(loss.detach())))


@dataclass(frozen=True)
class _Places:
    """Where this process's rows and columns stand among those of all."""

    columns: np.ndarray
    owner: np.ndarray
    first_column: int
    first_row: int
    rows: int
    width: int


def _places(batch: Batch) -> _Places:
    parts = gather_objects((batch.columns, batch.owner, len(batch)))
    width = max(len(columns) for columns, _, _ in parts)
    firsts = np.cumsum([0, *(rows for _, _, rows in parts)])
    filled = [np.append(c, np.full(width - len(c), -1, dtype=np.int64)) for c, _, _ in parts]
    owners = [
        np.append(owner + first, np.full(width - len(owner), -1))
        for (_, owner, _), first in zip(parts, firsts[:-1], strict=True)
    ]
    mine = rank()
    return _Places(
        np.concatenate(filled),
        np.concatenate(owners),
        mine * width,
        int(firsts[mine]),
        int(firsts[-1]),
        width,
    )


def _loss(
    queries: Float[Tensor, "rows dim"],
    documents: Float[Tensor, "columns dim"],
    batch: Batch,
    places: _Places,
    data: TrainingSet,
    settings: TrainSettings,
) -> Tensor:
    """This process's rows' share of the mean loss over all rows."""
    lacking = places.width - len(documents)
    if lacking:
        filling = documents.new_zeros((lacking, documents.shape[1]))
        documents = torch.cat([documents, filling])
    documents = gather_with_gradient(documents)
    mask = mask_of(
        batch,
        data,
        places.columns,
        places.owner,
        first_column=places.first_column,
        first_row=places.first_row,
        in_batch=settings.in_batch,
    )
    device = documents.device
    _, per_row = info_nce(
        queries,
        documents,
        places.first_column + torch.arange(len(batch), device=device),
        torch.from_numpy(mask).to(device),
        settings.temperature,
        score=settings.score,
    )
    return per_row.sum() / places.rows


def _encoder(model: Trainable, side: Side) -> Encode:
    return lambda numbers: model.vectors(numbers, side)
