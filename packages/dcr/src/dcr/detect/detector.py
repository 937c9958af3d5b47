"""What every detector offers: how probable it is that a document supports a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
from tenpapers.closing import Closing

if TYPE_CHECKING:
    from jaxtyping import Float32

# The paper's: a sentence is supported where its probability is over this; exactly this is not.
THRESHOLD = 0.5
MIN_WORDS = 3
BATCH_TOKENS = 16384


@dataclass(frozen=True)
class DetectorOutput:
    """What a detector says of pairs of a document and a sentence.

    Parameters
    ----------
    probs : P(supported) of each sentence; NaN where there is no answer.
    chunk_probs : of each sentence, P of each chunk of its document.
    errors : why there is no answer, by the number of the pair.
    """

    probs: Float32[np.ndarray, " pairs"]
    chunk_probs: list[Float32[np.ndarray, " chunks"]]
    errors: dict[int, str] = field(default_factory=dict)

    @classmethod
    def of_chunks(
        cls,
        chunk_probs: Sequence[Float32[np.ndarray, " chunks"]],
        errors: dict[int, str] | None = None,
    ) -> DetectorOutput:
        """The best chunk counts."""
        best = [float(np.max(probs)) if len(probs) else np.nan for probs in chunk_probs]
        return cls(np.array(best, dtype=np.float32), list(chunk_probs), errors or {})


class Scorer(Protocol):
    """What stands behind a detector: a model, or a formula."""

    @property
    def identity(self) -> object:
        """What its probabilities depend on; known before any weights are loaded."""
        ...

    def score(
        self, pairs: Sequence[tuple[str, str]], *, batch_tokens: int = BATCH_TOKENS
    ) -> DetectorOutput:
        """P(supported) of pairs of a document and a sentence."""
        ...

    def close(self) -> None:
        """Free what it holds."""
        ...


class Detector(Closing):
    """A scorer under the name that the user gave it, with what makes labels of probabilities.

    Parameters
    ----------
    name : the spec of it.
    threshold : a probability over this is a support.
    min_words : a sentence of fewer words counts as supported.
    """

    def __init__(
        self,
        scorer: Scorer,
        name: str,
        *,
        threshold: float = THRESHOLD,
        min_words: int = MIN_WORDS,
        batch_tokens: int = BATCH_TOKENS,
    ) -> None:
        self._scorer = scorer
        self.name, self.threshold, self.min_words = name, threshold, min_words
        self._batch_tokens = batch_tokens

    @property
    def identity(self) -> object:
        """What its probabilities depend on."""
        return self._scorer.identity

    def score(
        self, pairs: Sequence[tuple[str, str]], *, batch_tokens: int | None = None
    ) -> DetectorOutput:
        """P(supported) of pairs of a document and a sentence; each sentence stands for itself.

        Parameters
        ----------
        batch_tokens : tokens of a model's batch, with its padding; None for the detector's own.

        Raises
        ------
        EmptyDocumentError : a document without a word in it.
        """
        return self._scorer.score(pairs, batch_tokens=batch_tokens or self._batch_tokens)

    def close(self) -> None:
        """Free what the scorer holds."""
        self._scorer.close()
