"""How far apart a model's answers to one question lie in meaning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..records import SampleSet
from .vectors import TextVectors

if TYPE_CHECKING:
    from jaxtyping import Float32
    from numpy import ndarray


def semantic_diversity(samples: SampleSet, vectors: TextVectors) -> dict[str, Any]:
    """Mean of 1 - cosine over the pairs of answers to a question, then over questions.

    Returns
    -------
    `diversity`; `homogenisation`, the mean cosine itself; and `questions` that have two answers at
    least. What is a mean of nothing is None.
    """
    groups = list(samples.usable(at_least=2))
    encoded = _grouped(groups, vectors)
    means = [_mean_pair(own) for own in encoded]
    similar = float(np.mean(means)) if means else None
    return {
        "questions": len(groups),
        "diversity": None if similar is None else 1 - similar,
        "homogenisation": similar,
    }


def cross_homogenisation(a: SampleSet, b: SampleSet, vectors: TextVectors) -> float | None:
    """Mean cosine of the answers of two models to the same question, over questions."""
    b = b.aligned_with(a)
    groups = [
        ([text for text in own if text is not None], [text for text in other if text is not None])
        for own, other in zip(a.texts, b.texts, strict=True)
    ]
    groups = [pair for pair in groups if all(pair)]
    ours = _grouped([own for own, _ in groups], vectors)
    theirs = _grouped([other for _, other in groups], vectors)
    means = [float((one @ two.T).mean()) for one, two in zip(ours, theirs, strict=True)]
    return float(np.mean(means)) if means else None


def _grouped(
    groups: Sequence[Sequence[str]], vectors: TextVectors
) -> list[Float32[ndarray, "texts dim"]]:
    flat = vectors.of([text for texts in groups for text in texts])
    ends = np.cumsum([len(texts) for texts in groups])
    return np.split(flat, ends[:-1]) if len(groups) else []


def _mean_pair(vectors: Float32[ndarray, "texts dim"]) -> float:
    similar = vectors @ vectors.T
    return float(similar[np.triu_indices(len(vectors), 1)].mean())
