"""How the small detector learns: logistic regression by full-batch Adam."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tenpapers.errors import UserError

from .lexical import LexicalDetector, LexicalWeights, features_of
from .lexical_features import RECALL

if TYPE_CHECKING:
    from jaxtyping import Float64

STEPS, RATE, L2 = 800, 0.05, 1e-3
# Share of the supported claims that have fewer of the document's words than is asked of a claim.
FEWEST = 0.02
BETAS, EPSILON = (0.9, 0.999), 1e-8


@dataclass(frozen=True)
class Labelled:
    """A document, a claim, and whether the one supports the other (1) or not (0)."""

    document: str
    claim: str
    label: int

    @property
    def pair(self) -> tuple[str, str]:
        """Document and claim."""
        return self.document, self.claim


def train_lexical(rows: Sequence[Labelled], *, trained_on: str = "") -> LexicalDetector:
    """Learn to tell supported claims from others; the same rows give the same weights.

    The two labels weigh the same however many rows each has.

    Parameters
    ----------
    trained_on : where the rows come from, for the file of weights.

    Raises
    ------
    UserError : rows of one label alone.
    """
    labels = np.array([row.label for row in rows], dtype=np.float64)
    if len(set(labels.tolist())) < 2:
        raise UserError("training needs both supported and unsupported claims", "labels 1 and 0")
    features = features_of([row.pair for row in rows])
    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    weights = fit((features - mean) / scale, labels)
    return LexicalDetector(
        LexicalWeights(
            mean=tuple(mean.tolist()),
            scale=tuple(scale.tolist()),
            weights=tuple(weights[:-1].tolist()),
            bias=float(weights[-1]),
            least_recall=float(np.quantile(features[labels == 1, RECALL], FEWEST)),
            trained_on=trained_on,
            pairs=len(rows),
        )
    )


def fit(
    features: Float64[np.ndarray, "rows features"], labels: Float64[np.ndarray, " rows"]
) -> Float64[np.ndarray, " weights"]:
    """Weights of a class-balanced logistic regression, the bias last.

    The loss is the weighted mean over rows of log(1 + exp(-z)), z with the sign of the row's label,
    each label weighing half, plus L2 / 2 times the squared weights; the bias is free.
    """
    inputs = np.column_stack([features, np.ones(len(labels))])
    share = labels.mean()
    balance = np.where(labels == 1, 0.5 / share, 0.5 / (1 - share)) / len(labels)
    weights = np.zeros(inputs.shape[1])
    momentum, spread = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, STEPS + 1):
        probs = 0.5 * (1 + np.tanh(inputs @ weights / 2))
        gradient = inputs.T @ (balance * (probs - labels))
        gradient[:-1] += L2 * weights[:-1]
        momentum = BETAS[0] * momentum + (1 - BETAS[0]) * gradient
        spread = BETAS[1] * spread + (1 - BETAS[1]) * gradient**2
        moved = momentum / (1 - BETAS[0] ** step)
        weights -= RATE * moved / (np.sqrt(spread / (1 - BETAS[1] ** step)) + EPSILON)
    return weights
