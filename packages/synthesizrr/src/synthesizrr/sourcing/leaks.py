"""Documents that would leak a test set into the training set."""

from collections.abc import Iterable, Sequence

from tenpapers.embedding import Encoder

from ..records import Document
from .retrieve import embed


def near_duplicates(
    documents: Iterable[Document],
    test: Sequence[str],
    encoder: str | None = None,
    *,
    cosine: float = 0.95,
    n: int = 13,
    batch: int = 2000,
) -> dict[str, str]:
    """Documents that would leak a test text: a shared 13-gram of words, or a cosine >= 0.95.

    Returns
    -------
    Reason ("13-gram" or "cosine") by document id.
    """
    grams = {gram for text in test for gram in _grams(text, n)}
    loaded = Encoder.load(encoder) if encoder else None
    targets = embed(test, loaded) if loaded else None
    leaks: dict[str, str] = {}
    waiting: list[Document] = []

    def compare() -> None:
        if loaded is None or targets is None or not waiting:
            return
        vectors = embed([document.text for document in waiting], loaded)
        close = (vectors @ targets.T).max(axis=1) >= cosine
        for document, leak in zip(waiting, close.tolist(), strict=True):
            if leak:
                leaks[document.id] = "cosine"
        waiting.clear()

    for document in documents:
        if not grams.isdisjoint(_grams(document.text, n)):
            leaks[document.id] = f"{n}-gram"
            continue
        waiting.append(document)
        if len(waiting) == batch:
            compare()
    compare()
    return leaks


def _grams(text: str, n: int) -> set[tuple[str, ...]]:
    words = text.lower().split()
    return {tuple(words[start : start + n]) for start in range(len(words) - n + 1)}
