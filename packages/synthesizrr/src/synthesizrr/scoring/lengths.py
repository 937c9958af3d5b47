"""How long texts are."""

import statistics
from collections.abc import Sequence
from typing import Any

from .tokens import word_tokens


def text_length(texts: Sequence[str]) -> dict[str, Any]:
    """Mean and sample standard deviation of characters, and of NLTK word tokens (`words`)."""
    return _moments([len(text) for text in texts]) | {
        "words": _moments([len(word_tokens(text)) for text in texts])
    }


def _moments(values: Sequence[int]) -> dict[str, float | None]:
    spread = statistics.stdev(values) if len(values) > 1 else None
    return {"mean": statistics.fmean(values), "std": spread}
