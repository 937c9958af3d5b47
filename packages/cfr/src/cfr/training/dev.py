"""The mean reciprocal rank on rows that are not trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn.functional import normalize

from ..contrast.tuples import TrainingSet
from ..retrieval.encoder import Score, Side
from .settings import DevPool
from .trained_models import Trainable

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

# Texts that are encoded at a time.
_CHUNK = 32


def reciprocal_rank(
    scores: Float[np.ndarray, " pool"], relevant: Bool[np.ndarray, " pool"]
) -> float:
    """1 / rank of the first relevant document, of equal scores the first; 0 where there is none."""
    if not relevant.any():
        return 0.0
    order = np.argsort(-scores, kind="stable")
    return 1.0 / (1 + int(np.argmax(relevant[order])))


def dev_mrr(model: Trainable, data: TrainingSet, *, score: Score, pool: DevPool = "own") -> float:
    """Mean reciprocal rank of the first positive of each row.

    Parameters
    ----------
    data : numbered as `model` knows them.
    pool : a row's own positives and negatives, or the documents of all rows. In a pool of its own
        the negatives stand first, so that equal scores do not count as found.
    """
    model.mode(training=False)
    rows = np.arange(len(data.rows))
    queries = _vectors(model, rows, "query", score)
    documents = _vectors(model, np.arange(len(data.documents.texts)), "document", score)
    found = []
    for row in rows:
        positives = data.positives[row]
        own = np.concatenate([data.negatives[row], positives])
        if pool == "all":
            own = np.arange(len(documents))
        scores = documents[own] @ queries[row]
        found.append(reciprocal_rank(scores, np.isin(own, positives)))
    return float(np.mean(found))


def _vectors(
    model: Trainable, numbers: np.ndarray, side: Side, score: Score
) -> Float[np.ndarray, "texts dim"]:
    parts = []
    with torch.inference_mode():
        for start in range(0, len(numbers), _CHUNK):
            found = model.vectors(numbers[start : start + _CHUNK], side)
            parts.append((normalize(found, dim=-1) if score == "cosine" else found).cpu().numpy())
    return np.concatenate(parts)
