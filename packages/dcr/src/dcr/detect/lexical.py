"""The small detector for machines without a hub: a logistic regression on word features."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import ValidationError, model_validator
from tenpapers.errors import UserError
from tenpapers.models.identity import content_digest
from tenpapers.records import Record, first_problem, read_json

from .detector import BATCH_TOKENS, DetectorOutput
from .lexical_features import FEATURES, RECALL, DocumentWords

if TYPE_CHECKING:
    from jaxtyping import Float64

NAME = "lexical"
SHIPPED = "data/lexical.json"
# Raised when the features of a claim would be others.
VERSION = 1


class LexicalWeights(Record):
    """What training found, as its file has it.

    Parameters
    ----------
    features : names of the features, in the order of the other lists.
    mean, scale : of each feature over the training pairs.
    weights : of the standardised features; `bias` is that of the logit.
    least_recall : of a claim's beginnings of words; with less it is about something else than
        anything that was learnt from, and no more probable than that recall.
    trained_on : what it learned from, in words.
    pairs : number of training pairs.
    """

    version: int = VERSION
    features: tuple[str, ...] = FEATURES
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float
    least_recall: float = 0.0
    trained_on: str = ""
    pairs: int = 0

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.version != VERSION or self.features != FEATURES:
            raise ValueError("was trained on other features; train it anew (dcr train-lexical)")
        lengths = {len(self.mean), len(self.scale), len(self.weights)}
        if lengths != {len(FEATURES)}:
            raise ValueError(f"{len(FEATURES)} features, but {sorted(lengths)} numbers")
        if not np.isfinite([*self.mean, *self.scale, *self.weights, self.bias]).all():
            raise ValueError("a number in it is not finite")
        if min(self.scale) <= 0:
            raise ValueError("a scale is not over 0")
        return self


class LexicalDetector:
    """Gives P(supported) of a claim from the words that it shares with the document."""

    def __init__(self, weights: LexicalWeights) -> None:
        self.weights = weights

    @classmethod
    def load(cls, file: Path | None = None) -> Self:
        """Load weights from a file; None for those that ship with the package.

        Raises
        ------
        UserError : no such file, or no weights of ours in it.
        """
        if file is None:
            with as_file(files("dcr").joinpath(SHIPPED)) as shipped:
                return cls(read_weights(shipped))
        return cls(read_weights(file))

    @property
    def identity(self) -> object:
        """What was learnt."""
        learnt = self.weights.model_dump(mode="json", exclude={"trained_on", "pairs"})
        return [NAME, content_digest(learnt)]

    def score(
        self, pairs: Sequence[tuple[str, str]], *, batch_tokens: int = BATCH_TOKENS
    ) -> DetectorOutput:
        """P(supported) of pairs of a document and a sentence; a document is read once, whole.

        Raises
        ------
        EmptyDocumentError : a blank document.
        """
        if not pairs:
            return DetectorOutput(np.empty(0, dtype=np.float32), [])
        probs = self.probabilities(features_of(pairs)).astype(np.float32)
        return DetectorOutput(probs, [probs[n : n + 1] for n in range(len(probs))])

    def probabilities(
        self, features: Float64[np.ndarray, "pairs features"]
    ) -> Float64[np.ndarray, " pairs"]:
        """P(supported) from the features of pairs.

        Injected errors are words of the document itself: from them alone a regression learns that
        shared words are suspicious. So what shares next to none is held down by its recall.
        """
        weights = self.weights
        logits = (features - weights.mean) / weights.scale @ np.array(weights.weights)
        # Far out both ends are reached without an overflow.
        probs = 0.5 * (1 + np.tanh((logits + weights.bias) / 2))
        recall = features[:, RECALL]
        return np.where(recall < weights.least_recall, np.minimum(probs, recall), probs)

    def close(self) -> None:
        """Nothing is held."""


def features_of(pairs: Sequence[tuple[str, str]]) -> Float64[np.ndarray, "pairs features"]:
    """Features of pairs of a document and a claim; a document is read once.

    Raises
    ------
    EmptyDocumentError : a blank document.
    """
    return np.array([_document(document).features(claim) for document, claim in pairs])


@lru_cache(maxsize=64)
def _document(text: str) -> DocumentWords:
    return DocumentWords(text)


def read_weights(file: Path) -> LexicalWeights:
    """Read a file of weights.

    Raises
    ------
    UserError : no such file, or no weights of ours in it.
    """
    try:
        return LexicalWeights.model_validate(read_json(file))
    except ValidationError as error:
        raise UserError(f"{file}: {first_problem(error)}") from None
