"""`embed`: how alike the vectors of two answers are, where no LERC is at hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float32
    from tenpapers.embedding import Encoder


class EmbeddingSimilarity:
    """Cosine of two answers, each read behind its question, cut to 0 to 1.

    Parameters
    ----------
    encoder : gives vectors of length 1.
    """

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder

    @classmethod
    def load(cls, name: str = "minilm") -> Self:
        """Load an encoder, see `tenpapers.embedding.Encoder`.

        Raises
        ------
        UserError : it cannot be found.
        """
        from tenpapers.embedding import Encoder

        return cls(Encoder.load(name))

    def score(
        self, question: Sequence[str], reference: Sequence[str], candidate: Sequence[str]
    ) -> Float32[np.ndarray, " n"]:
        """Score of each candidate; the three lists have one length."""
        asked = [
            (f"{q} {r}", f"{q} {c}") for q, r, c in zip(question, reference, candidate, strict=True)
        ]
        if not asked:
            return np.empty(0, dtype=np.float32)
        texts = sorted({text for pair in asked for text in pair})
        place = {text: i for i, text in enumerate(texts)}
        vectors = self.encoder.encode(texts)
        left = vectors[[place[text] for text, _ in asked]]
        right = vectors[[place[text] for _, text in asked]]
        cosines: Float32[np.ndarray, " n"] = np.clip((left * right).sum(axis=1), 0, 1)
        return cosines
