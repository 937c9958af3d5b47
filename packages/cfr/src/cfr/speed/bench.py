"""One hot loop of the package beside its peer."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from tenpapers.errors import UserError

from ..retrieval.bm25 import BM25, words
from ..retrieval.encoder import Encoder
from ..retrieval.nearest import recall
from .clock import Report, timed
from .encoding import bench_embed
from .indexes import bench_search, real_vectors
from .settings import BenchSettings, Loop
from .texts import shuffled_texts


def bench(loop: Loop, settings: BenchSettings) -> Report:
    """Measure one hot loop and its peer.

    Returns
    -------
    Seconds of wall and processor time, ratios, and what shows that both computed the same.

    Raises
    ------
    UserError : a peer that is not installed, a file without texts.
    """
    if loop == "search":
        return bench_search(settings, real_vectors(settings))
    texts = shuffled_texts(settings)
    if loop == "meteor":
        return bench_meteor(texts, settings.queries)
    if loop == "embed":
        return bench_embed(
            texts, Encoder.load(settings.encoder), settings.max_length, settings.peer_texts
        )
    return bench_bm25(texts, settings.queries)


def bench_bm25(texts: Sequence[str], queries: int = 200) -> Report:
    """Search texts with BM25 and with rank_bm25, which all baselines of AVeriTeC use.

    Queries are the first words of random texts. The two weigh frequent words differently, so that
    only their overlap is told; our scores are checked against the formula by the tests.

    Raises
    ------
    UserError : rank_bm25 is not installed.
    """
    try:
        from rank_bm25 import BM25Okapi
    except ImportError:
        raise UserError("rank-bm25 is not installed", "pip install rank-bm25") from None
    asked = [" ".join(text.split()[:12]) for text in texts[:queries]]
    index, built = timed(lambda: BM25(texts))
    peer_index, peer_built = timed(lambda: BM25Okapi([words(text) for text in texts]))
    (ids, _), seconds = timed(lambda: index.search(asked, 10))
    theirs, peer = timed(
        lambda: [np.argsort(-peer_index.get_scores(words(q)), kind="stable")[:10] for q in asked]
    )
    return {
        "texts": len(texts),
        "queries": len(asked),
        "seconds": seconds | {"build": built, "peer": peer, "peer_build": peer_built},
        "ratio": peer["processor"] / max(seconds["processor"], 1e-9),
        "top_10_overlap": recall(np.array(theirs), ids),
    }


def bench_meteor(texts: Sequence[str], count: int = 40) -> Report:
    """Score all pairs of the first words of texts, and the same pairs with NLTK.

    Both have the same tokens and the same WordNet, or none; NLTK stems and looks up each pair anew.
    """
    from nltk.translate.meteor_score import single_meteor_score

    from ..scoring.meteor import open_meteor
    from ..scoring.wordnet import find_wordnet

    synonyms = find_wordnet()
    some = [" ".join(text.split()[:30]) for text in texts[:count]]
    meteor = open_meteor()
    ours, seconds = timed(lambda: meteor.matrix(some, some))
    tokens = [meteor.words(text).words for text in some]
    wordnet = synonyms or _NoSynonyms()

    def by_nltk() -> np.ndarray:
        return np.array(
            [[single_meteor_score(ref, own, wordnet=wordnet) for ref in tokens] for own in tokens]
        )

    theirs, peer = timed(by_nltk)
    return {
        "pairs": int(ours.size),
        "meteor": meteor.name,
        "seconds": seconds | {"peer": peer},
        "ratio": peer["processor"] / max(seconds["processor"], 1e-9),
        "largest_difference": float(np.abs(ours - theirs).max()),
    }


class _NoSynonyms:
    """A WordNet that knows no word."""

    def synsets(self, word: str) -> list[Any]:
        """None of any word."""
        return []
