"""Trainings of the study: how long and how fast is chosen on held-out training claims."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..contrast.splits import split_by_claim
from ..contrast.tuples import training_set
from ..records import Passage, Query, Training
from ..retrieval.encoder import Encoder, Side
from ..retrieval.vectors import VectorCache, VectorSource
from ..training.settings import TrainSettings
from ..training.train import train, train_heads
from ..training.trained_models import query_of
from .corpora import Corpus
from .rankings import ByVectors, first_ranks, mean_reciprocal
from .settings import Study

if TYPE_CHECKING:
    from jaxtyping import Float32


@dataclass(frozen=True)
class Tuning:
    """Learning rate and steps of a training, and the MRR on held-out claims that chose them."""

    rate: float
    steps: int
    dev_mrr: float


class WithHeads:
    """A frozen encoder's vectors times one matrix a side, of length 1 again."""

    def __init__(self, base: VectorCache, matrices: dict[Side, np.ndarray]) -> None:
        self._base, self._matrices = base, matrices
        self.config = base.config

    def encode_queries(self, queries: Sequence[Query]) -> Float32[np.ndarray, "queries dim"]:
        """Vectors of queries."""
        return unit(self._base.encode_queries(queries) @ self._matrices["query"].T)

    def encode_passages(self, passages: Sequence[Passage]) -> Float32[np.ndarray, "passages dim"]:
        """Vectors of passages."""
        return unit(self._base.encode_passages(passages) @ self._matrices["document"].T)


def unit(vectors: Float32[np.ndarray, "texts dim"]) -> Float32[np.ndarray, "texts dim"]:
    """Vectors of length 1; zero stays zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)


def tuned(
    rows: Sequence[Training],
    study: Study,
    base: VectorCache,
    *,
    rate: float,
    steps: int,
    seed: int,
    batch: int,
    show: str | None = None,
) -> VectorSource:
    """The encoder after so many steps on training rows."""
    settings = TrainSettings(
        base=study.encoder,
        scope=study.scope,
        epochs=steps,
        max_steps=steps,
        batch=batch,
        hard_negatives=study.hard_negatives,
        query_format=study.query_format,
        lr=rate,
        patience=0,
        seed=seed,
    )
    if settings.kind != "head":
        encoder = Encoder.load(study.encoder)
        train(encoder, rows, settings, dev=(), show=show)
        return encoder
    data = training_set(rows)
    queries = base.encode_queries([query_of(row) for row in data.rows])
    documents = base.of(data.documents.texts, base.config.document_length)
    matrices, _ = train_heads(data, queries, documents, settings, show=show)
    return WithHeads(base, matrices)


def choose(
    rows: Sequence[Training],
    study: Study,
    base: VectorCache,
    corpus: Corpus,
    *,
    batch: int,
    view: str,
) -> tuple[Tuning, list[dict[str, Any]]]:
    """The rate and steps of the best MRR on held-out training claims, and all that were tried.

    Of equal ones the first is taken. The held-out queries are asked of the pool `view`, as the test
    queries are.
    """
    fitted, held = split_by_claim(
        rows, study.dev_share, claim_of=lambda row: row.claim or row.question, seed=study.seed
    )
    names = {row.qid for row in held}
    queries = [one for one in corpus.train if one.query.qid in names]
    tried = []
    for rate, steps in itertools.product(study.rates, study.steps):
        words = f"{corpus.name}: rate {rate:g}, {steps} steps"
        source = tuned(
            fitted, study, base, rate=rate, steps=steps, seed=study.seed, batch=batch, show=words
        )
        scores = ByVectors(corpus, source).scores(queries)
        ranks = first_ranks(corpus, queries, scores)[view]
        tried.append(Tuning(rate, steps, mean_reciprocal(ranks)))
    chosen = max(tried, key=lambda one: one.dev_mrr)
    return chosen, [asdict(one) for one in tried]
