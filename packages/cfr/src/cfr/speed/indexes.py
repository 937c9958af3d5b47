"""Dense indexes of every kind against exact search: build, recall, queries a second, memory."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from ..retrieval.dense_index import DenseIndex, Kind
from ..retrieval.encoder import Encoder
from ..retrieval.nearest import recall, unit
from ..retrieval.vectors import DTYPES, VectorCache
from .clock import Report, timed
from .settings import BenchSettings
from .texts import file_of, shuffled_texts

if TYPE_CHECKING:
    import faiss
    from jaxtyping import Float, Float32

log = logging.getLogger(__name__)
_KINDS: tuple[Kind, ...] = ("flat", "ivf", "hnsw", "pq")
_SPREAD = 0.7  # length of what is added to a centre of length 1
_BLOCK = 65_536  # vectors that are drawn at a time
_PROBED = 20_000  # rows from which the build of a larger HNSW index is estimated


def bench_search(
    settings: BenchSettings, real: Float32[np.ndarray, "texts dim"] | None = None
) -> Report:
    """Build and ask every kind of dense index over vectors of length 1, 200 queries at once.

    Recall is the share of the exact search's ten nearest. The peer is faiss' exact index with names
    looked up hit by hit, as Contriever's script has it. An HNSW index whose build would take too
    long is not built; its row says so.

    Parameters
    ----------
    real : vectors of texts; the others are drawn round them. None draws round random ones.
    """
    vectors, asked = clustered(settings, real)
    rows: list[Report] = []

    def note(row: Report) -> None:
        log.info("%s", row)  # large ones take minutes
        rows.append(row)

    note(_contrievers_search(vectors.astype(np.float32, copy=False), asked))
    exact: np.ndarray | None = None
    kinds = _KINDS if settings.kind == "all" else ("flat", settings.kind)
    for kind in kinds:
        if kind == "hnsw" and (reason := _too_long(vectors, settings.longest_build)):
            note({"kind": kind, "not_built": reason})
            continue
        index, built = timed(lambda kind=kind: _built(vectors, kind))  # type: ignore[misc]
        (ids, _), seconds = timed(lambda index=index: index.search(asked, 10))  # type: ignore[misc]
        exact = ids if exact is None else exact
        note(
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
        del index
    return {
        "vectors": len(vectors),
        "dim": vectors.shape[1],
        "dtype": settings.dtype,
        "real": 0 if real is None else len(real),
        "queries": len(asked),
        "indexes": rows,
    }


def clustered(
    settings: BenchSettings, real: Float32[np.ndarray, "texts dim"] | None = None
) -> tuple[Float[np.ndarray, "rows dim"], Float32[np.ndarray, "queries dim"]]:
    """Vectors of length 1 round centres, as texts have topics, and queries round the same ones.

    Parameters
    ----------
    real : the centres, which are the first rows too; None draws them.
    """
    draw = np.random.default_rng(settings.seed)
    centres = real
    if centres is None:
        shape = (max(1, settings.vectors // 200), settings.dim)
        centres = draw.standard_normal(shape, dtype=np.float32)
    centres = unit(centres)
    count, dim = settings.vectors, centres.shape[1]
    vectors = np.empty((count, dim), dtype=DTYPES[settings.dtype])
    spread = np.float32(_SPREAD / np.sqrt(dim))

    def drawn(size: int) -> np.ndarray:
        noise = spread * draw.standard_normal((size, dim), dtype=np.float32)
        return unit(centres[draw.integers(0, len(centres), size)] + noise)

    for start in range(0, count, _BLOCK):
        vectors[start : start + _BLOCK] = drawn(min(_BLOCK, count - start))
    vectors[: len(centres)] = centres[:count]
    return vectors, drawn(settings.queries)


def _contrievers_search(vectors: np.ndarray, asked: np.ndarray) -> Report:
    import faiss

    names = [str(row) for row in range(len(vectors))]

    def build() -> faiss.IndexFlatIP:
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(vectors)
        return index

    def search() -> list[list[str]]:
        _, rows = index.search(asked, 10)
        return [[str(names[row]) for row in own] for own in rows]

    index, built = timed(build)
    _, seconds = timed(search)
    return {
        "kind": "peer",
        "build": built,
        "search": seconds,
        "queries_a_second": len(asked) / max(seconds["wall"], 1e-9),
    }


def _too_long(vectors: np.ndarray, longest: float) -> str:
    """Why an HNSW index of these vectors is not built; "" where its build fits.

    Each vector is searched for among those before it, which takes the logarithm of their number.
    """
    if len(vectors) <= _PROBED:
        return ""
    _, probe = timed(lambda: _built(vectors[:_PROBED], "hnsw"))
    growth = len(vectors) / _PROBED * np.log(len(vectors)) / np.log(_PROBED)
    seconds = float(probe["wall"] * growth)
    if seconds <= longest:
        return ""
    return (
        f"{_PROBED} rows took {probe['wall']:.0f} s, so that all would take about {seconds:.0f} s; "
        f"--longest-build is {longest:.0f}"
    )


def real_vectors(settings: BenchSettings) -> np.ndarray | None:
    """Vectors of real texts, remembered between runs; None where there are no texts."""
    if file_of(settings) is None:
        return None
    cache = VectorCache(Encoder.load(settings.encoder))
    return cache.of(shuffled_texts(settings), cache.config.document_length)


def _built(vectors: np.ndarray, kind: Kind) -> DenseIndex:
    return DenseIndex.build(vectors, np.arange(len(vectors)), kind)


def _bytes(index: DenseIndex) -> int:
    """What an index holds in memory; the vectors themselves where it is exact."""
    if not index.faiss_parts:
        return int(index.vectors.nbytes)
    import faiss

    sizes: list[int] = []
    # faiss makes the class when it is imported.
    writer = faiss.PyCallbackIOWriter(lambda some: sizes.append(len(some)))  # type: ignore[attr-defined]
    for part in index.faiss_parts:
        faiss.write_index(part, writer)
    return sum(sizes)
