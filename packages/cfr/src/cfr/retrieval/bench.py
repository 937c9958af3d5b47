"""How fast encoding, BM25 and dense search are, beside what people use instead."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
import typer
from tenpapers import data
from tenpapers.errors import UserError

from ..inputs.files import read_texts
from .bm25 import BM25, words
from .dense_index import DenseIndex, Kind, recall
from .encoder import CPU_BUDGET, Encoder, batches, padded

Loop = Literal["embed", "search", "bm25", "meteor"]
Report = dict[str, Any]
ResultT = TypeVar("ResultT")

WIKIPEDIA = "wiki_passages_6119.jsonl.gz"
_PEER_BATCH = 512  # of Contriever's own script
_KINDS: tuple[Kind, ...] = ("flat", "ivf", "hnsw", "pq")
# Of texts that are made up where there are none.
_VOCABULARY = (
    "the of and in to a was is claim that for by with said people report year government water "
    "health court city school law food price oil energy team player season vaccine study doctor "
    "river bridge train road election vote party president minister country border army history"
)


@dataclass(frozen=True)
class BenchSettings:
    """What is measured."""

    texts: Annotated[int, typer.Option(help="Passages that are encoded or searched.", min=2)] = 2000
    queries: Annotated[int, typer.Option(help="Queries that are asked.", min=1)] = 200
    vectors: Annotated[int, typer.Option(help="Rows of the dense index (search).", min=2)] = 100_000
    dim: Annotated[int, typer.Option(help="Of those rows.", min=2)] = 384
    encoder: Annotated[str, typer.Option(help="Encoder (embed).")] = "minilm"
    max_length: Annotated[int, typer.Option(help="Tokens of a text (embed).", min=8)] = 512
    seed: Annotated[int, typer.Option(help="Draws the texts and vectors.")] = 0
    data: Annotated[
        Path | None,
        typer.Option(help="JSONL with `text` (and `title`); default: the paper's data."),
    ] = None


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
        return bench_search(settings)
    texts = shuffled_texts(settings)
    if loop == "meteor":
        return bench_meteor(texts, settings.queries)
    if loop == "embed":
        return bench_embed(texts, Encoder.load(settings.encoder), settings.max_length)
    return bench_bm25(texts, settings.queries)


def bench_embed(texts: Sequence[str], encoder: Encoder, max_length: int = 512) -> Report:
    """Encode texts by token budget, and as Contriever's script does: in file order, 512 at a time.

    Both read the same tokens with the same model in float32; the peer pads each batch to its
    longest text.
    """
    lengths = [len(ids) for ids in encoder.tokens(texts, max_length)]
    ours, seconds = timed(lambda: encoder.encode(texts, max_length))
    theirs, peer = timed(lambda: encode_in_file_order(texts, encoder, max_length))
    factors = padding_factors(lengths)
    return {
        "texts": len(texts),
        "tokens": sum(lengths),
        "padding": factors,
        "seconds": seconds | {"peer": peer},
        "ratio": peer["processor"] / max(seconds["processor"], 1e-9),
        "largest_difference": float(np.abs(ours - theirs).max()),
    }


def padding_factors(lengths: Sequence[int], budget: int = CPU_BUDGET) -> dict[str, float]:
    """Padded tokens divided by real ones: batches by budget, and 512 texts in file order.

    Parameters
    ----------
    lengths : tokens of each text, in file order.
    """
    counts, real = np.asarray(lengths), sum(lengths)
    ours = sum(len(rows) * int(counts[rows].max()) for rows in batches(lengths, budget))
    blocks = [counts[start : start + _PEER_BATCH] for start in range(0, len(counts), _PEER_BATCH)]
    return {
        "ours": ours / real,
        "file order": sum(len(block) * int(block.max()) for block in blocks) / real,
    }


def encode_in_file_order(
    texts: Sequence[str], encoder: Encoder, max_length: int, batch: int = _PEER_BATCH
) -> np.ndarray:
    """Vectors of texts, a fixed number at a time in the order of the file."""
    import torch

    found = []
    with torch.inference_mode():
        for start in range(0, len(texts), batch):
            tokens = encoder.tokens(texts[start : start + batch], max_length)
            ids, mask = padded(tokens, encoder.tokenizer)
            device = encoder.model.device
            found.append(encoder.vectors(ids.to(device), mask.to(device)).float().cpu().numpy())
    return np.concatenate(found)


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


def bench_search(settings: BenchSettings) -> Report:
    """Build and ask every kind of dense index over the same random vectors in clusters.

    Recall is the share of the exact search's ten nearest.
    """
    vectors, asked = clustered(settings.vectors, settings.queries, settings.dim, settings.seed)
    exact: np.ndarray | None = None
    rows = []
    for kind in _KINDS:
        index, built = timed(lambda kind=kind: _built(vectors, kind))  # type: ignore[misc]
        (ids, _), seconds = timed(lambda index=index: index.search(asked, 10))  # type: ignore[misc]
        exact = ids if exact is None else exact
        rows.append(
            {
                "kind": kind,
                "build": built,
                "search": seconds,
                "queries_a_second": len(asked) / max(seconds["wall"], 1e-9),
                "recall@10": recall(exact, ids),
                "bytes_a_vector": _bytes(index) / len(vectors),
                "probes": list(index.meta.probes),
            }
        )
    return {"vectors": len(vectors), "dim": settings.dim, "queries": len(asked), "indexes": rows}


def clustered(count: int, queries: int, dim: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Vectors round random centres, as texts have topics, and queries round the same ones."""
    draw = np.random.default_rng(seed)
    centres = draw.standard_normal((max(1, count // 200), dim), dtype=np.float32)
    found = []
    for size in (count, queries):
        chosen = draw.integers(0, len(centres), size)
        found.append(centres[chosen] + 0.7 * draw.standard_normal((size, dim), dtype=np.float32))
    return found[0], found[1]


def shuffled_texts(settings: BenchSettings) -> list[str]:
    """Texts of the given file, of the paper's data, or made up; drawn without replacement."""
    draw = np.random.default_rng(settings.seed)
    file = settings.data
    if file is None and (folder := data.folder("cfr")) is not None:
        file = folder / WIKIPEDIA
    if file is None or not file.exists():
        lengths = np.clip(draw.lognormal(4.2, 0.7, settings.texts), 5, 400).astype(int)
        vocabulary = _VOCABULARY.split()
        return [" ".join(draw.choice(vocabulary, size=length)) for length in lengths]
    known = read_texts(file)
    chosen = draw.permutation(len(known))[: settings.texts]
    return [known[row] for row in chosen]


def timed(run: Callable[[], ResultT]) -> tuple[ResultT, dict[str, float]]:
    """A result, and its seconds of wall and of processor time."""
    wall, processor = time.perf_counter(), time.process_time()
    result = run()
    return result, {
        "wall": time.perf_counter() - wall,
        "processor": time.process_time() - processor,
    }


def _built(vectors: np.ndarray, kind: Kind) -> DenseIndex:
    return DenseIndex.build(vectors, np.arange(len(vectors)), kind)


def _bytes(index: DenseIndex) -> int:
    """What an index holds in memory; the vectors themselves where it is exact."""
    if not index.faiss_parts:
        return int(index.vectors.nbytes)
    import faiss

    return sum(len(faiss.serialize_index(part)) for part in index.faiss_parts)
