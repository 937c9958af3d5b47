"""What is trained: an encoder, some of its layers, adapters in it, or two matrices on its vectors.

All have one form, `Trainable`: numbers of queries or documents in, vectors out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from tenpapers.errors import UserError

from ..records import Query, Training
from ..retrieval.encoder import Encoder, Side, padded
from ..retrieval.query_form import fitted_queries
from .settings import TrainSettings

if TYPE_CHECKING:
    from jaxtyping import Float, Float32, Int64
    from torch import Tensor, nn
    from transformers import PreTrainedModel


class Trainable(Protocol):
    """A model whose vectors of numbered queries and documents have gradients."""

    parameters: dict[str, Tensor]

    def vectors(
        self, numbers: Int64[np.ndarray, " texts"], side: Side
    ) -> Float[Tensor, "texts dim"]:
        """Vectors of queries or documents, before any normalisation."""
        ...

    def penalty(self) -> Tensor | None:
        """What is added to the loss, None for nothing."""
        ...

    def mode(self, *, training: bool) -> None:
        """Turn dropout on or off."""
        ...


class Heads:
    """Two square matrices, one a side, on vectors that stay; both begin as no change.

    Parameters
    ----------
    queries, documents : vectors of the frozen encoder.
    pull : weight of the mean squared distance of the matrices from the identity.
    """

    def __init__(
        self,
        queries: Float32[np.ndarray, "queries dim"],
        documents: Float32[np.ndarray, "documents dim"],
        *,
        pull: float = 0.0,
        device: str = "cpu",
    ) -> None:
        self._given = {
            "query": torch.from_numpy(queries).to(device),
            "document": torch.from_numpy(documents).to(device),
        }
        self._identity = torch.eye(queries.shape[1], device=device)
        self.parameters: dict[str, Tensor] = {
            side: self._identity.clone().requires_grad_() for side in ("query", "document")
        }
        self._pull = pull

    def vectors(
        self, numbers: Int64[np.ndarray, " texts"], side: Side
    ) -> Float[Tensor, "texts dim"]:
        """Frozen vectors times the side's matrix."""
        given = self._given[side]
        return given[torch.as_tensor(numbers, device=given.device)] @ self.parameters[side].T

    def over(
        self,
        queries: Float32[np.ndarray, "queries dim"],
        documents: Float32[np.ndarray, "documents dim"],
    ) -> Heads:
        """The same matrices on other vectors."""
        other = Heads(queries, documents, device=str(self._identity.device))
        other.parameters = self.parameters
        return other

    def penalty(self) -> Tensor | None:
        """The pull towards no change."""
        if not self._pull:
            return None
        moved = [(matrix - self._identity).square().mean() for matrix in self.parameters.values()]
        return self._pull * torch.stack(moved).sum()

    def mode(self, *, training: bool) -> None:
        """Nothing drops out."""


class Texts:
    """An encoder with texts, tokenised once.

    Parameters
    ----------
    encoder : its parameters that have gradients are trained.
    rows : their queries.
    documents : title and text of each.
    """

    def __init__(
        self, encoder: Encoder, rows: Sequence[Training], documents: Sequence[str]
    ) -> None:
        self.encoder = encoder
        config = encoder.config
        queries = fitted_queries(
            [query_of(row) for row in rows],
            encoder.tokenizer,
            form=config.query_format,
            max_length=config.query_length,
        )
        self._tokens: dict[Side, list[list[int]]] = {
            # Queries are as short as they may be cut; a long subquestion stays whole.
            "query": encoder.tokens(queries, encoder.longest),
            "document": encoder.tokens(documents, config.document_length),
        }
        self.parameters: dict[str, Tensor] = {
            name: value for name, value in encoder.model.named_parameters() if value.requires_grad
        }

    def vectors(
        self, numbers: Int64[np.ndarray, " texts"], side: Side
    ) -> Float[Tensor, "texts dim"]:
        """Vectors of texts, in bfloat16 where the device is a GPU."""
        device = self.encoder.model.device
        if not len(numbers):
            # A process without rows takes part in the step all the same.
            return torch.zeros((0, self.encoder.dim), device=device, requires_grad=True)
        tokens = [self._tokens[side][number] for number in numbers]
        ids, mask = padded(tokens, self.encoder.tokenizer)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            found = self.encoder.vectors(ids.to(device), mask.to(device), side=side)
        return found.float()

    def penalty(self) -> Tensor | None:
        """Nothing is added."""
        return None

    def mode(self, *, training: bool) -> None:
        """Turn dropout on or off."""
        self.encoder.model.train(training)


def query_of(row: Training) -> Query:
    """The query of a training row."""
    return Query(qid=row.qid, claim=row.claim, question=row.question)


def open_scope(encoder: Encoder, settings: TrainSettings) -> None:
    """Leave gradients to the parameters of the scope, and set the dropout.

    Raises
    ------
    UserError : the scope has more layers than the model, or peft is not installed.
    """
    model = encoder.model
    _set_dropout(model, settings.dropout)
    if settings.kind == "lora":
        encoder.model = _with_lora(model, settings)
        return
    if settings.kind == "full":
        model.requires_grad_(True)
        return
    layers = _layers(model)
    if settings.layers > len(layers):
        raise UserError(f"--scope {settings.scope}: the model has {len(layers)} layers")
    model.requires_grad_(False)
    for layer in layers[len(layers) - settings.layers :]:
        layer.requires_grad_(True)


def close_scope(encoder: Encoder) -> None:
    """Put what was trained beside the weights into them: adapters become part of the model."""
    merge = getattr(encoder.model, "merge_and_unload", None)
    if merge is not None:
        encoder.model = merge()
    encoder.model.requires_grad_(False).eval()


def _layers(model: nn.Module) -> list[nn.Module]:
    """The blocks of a transformer: the longest list of modules in it."""
    lists = [part for part in model.modules() if isinstance(part, torch.nn.ModuleList)]
    if not lists:
        raise UserError("--scope top-N: this model has no list of layers", "--scope full or lora")
    longest = max(lists, key=len)
    return list(longest)


def _set_dropout(model: nn.Module, share: float) -> None:
    """Set every dropout; attention keeps its own number beside the modules."""
    for part in model.modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = share
        for name in ("dropout_prob", "attention_dropout"):
            if isinstance(getattr(part, name, None), float):
                setattr(part, name, share)


def _with_lora(model: PreTrainedModel, settings: TrainSettings) -> PreTrainedModel:
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError:
        raise UserError("--scope lora: peft is not installed", "pip install peft") from None
    config = LoraConfig(
        r=settings.lora_rank,
        lora_alpha=2 * settings.lora_rank,
        lora_dropout=settings.dropout,
        target_modules="all-linear",
    )
    # It stands in for the model in everything that an encoder does with one.
    return get_peft_model(model, config)  # type: ignore[return-value]


def chunks_of(
    numbers: Int64[np.ndarray, " texts"], size: int
) -> Iterator[Int64[np.ndarray, " chunk"]]:
    """Numbers in chunks; one chunk where the size is 0."""
    size = size or max(1, len(numbers))
    for start in range(0, max(1, len(numbers)), size):
        yield numbers[start : start + size]
