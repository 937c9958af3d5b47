"""Dense indexes: exact over memory-mapped vectors, or faiss' IVF, HNSW and product quantization."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from tenpapers.embedding.search import require_finite, require_positive
from tenpapers.errors import UserError
from tenpapers.records import read_json, write_json

from .bm25 import best_rows
from .encoder import Score
from .nearest import BLOCK, Found, blocks, nearest, recall, unit
from .vectors import read_array

if TYPE_CHECKING:
    import faiss
    from jaxtyping import Float, Float32, Int64, Shaped

log = logging.getLogger(__name__)
Kind = Literal["flat", "ivf", "hnsw", "pq"]

META, VECTORS, IDS = "index.json", "vectors.npy", "ids.npy"
LINKS, BEAM = 32, 64  # of an HNSW node, and nodes that a search of it keeps in view
SUBSPACES = 64  # bytes of a vector after product quantization
# Best rows of a compressed index that are scored again with their vectors.
RESCORED = 1000
# How many of the ten nearest a tuned IVF index must find, and how many queries it is tuned with.
RECALL, TUNING_QUERIES = 0.95, 256
_ROUNDING = 1e-6  # of a length of 1 in float32


@dataclass(frozen=True)
class IndexMeta:
    """What an index was made of and how.

    Parameters
    ----------
    model : identity of the encoder; score : what it was trained for.
    of_length_1 : whether the vectors are, so that cosines need no division.
    parts : rows at which each part begins; probes : lists of an IVF index that a query looks into.
    """

    kind: Kind
    model: str
    score: Score
    dim: int
    count: int
    parts: tuple[int, ...]
    probes: tuple[int, ...]
    of_length_1: bool = False

    @property
    def to_normalize(self) -> bool:
        """Whether vectors are to be divided by their length."""
        return self.score == "cosine" and not self.of_length_1


class DenseIndex:
    """Vectors with names, and what finds the nearest of them.

    Parameters
    ----------
    vectors : of all rows, which may be memory-mapped and float16.
    ids : name of each row, text or whole numbers.
    faiss_parts : one index for each part of the rows; none where the search is exact.
    """

    def __init__(
        self,
        vectors: np.ndarray,
        ids: Shaped[np.ndarray, " rows"],
        meta: IndexMeta,
        faiss_parts: Sequence[faiss.Index] = (),
    ) -> None:
        self.vectors, self.ids, self.meta = vectors, ids, meta
        self.faiss_parts = list(faiss_parts)

    @classmethod
    def build(
        cls,
        emb: Float[np.ndarray, "rows dim"],
        ids: Sequence[str] | Sequence[int] | Shaped[np.ndarray, " rows"],
        kind: Kind = "flat",
        *,
        model: str = "",
        score: Score = "cosine",
        shards: int = 1,
        tuned_with: Float[np.ndarray, "queries dim"] | None = None,
        seed: int = 0,
        keep_parts: Path | None = None,
    ) -> Self:
        """Build an index.

        Parameters
        ----------
        emb : vectors; for "cosine" their length does not matter.
        kind : "flat" is exact; "ivf" has about 4 sqrt(n) lists and looks into as many as find 95 %
            of the ten nearest; "hnsw" has 32 links a node; "pq" is IVF with 64 bytes a vector,
            whose best 1,000 are scored again exactly.
        shards : parts that are built one by one, for corpora that fit no memory.
        tuned_with : queries for which IVF is tuned; default midpoints of random rows.
        seed : draws the rows that lists and codes are learnt from.
        keep_parts : folder where each part is written once it is built, and from which those are
            read that an earlier run over the same vectors wrote.

        Raises
        ------
        UserError : no row, as many ids as rows are wanted, a vector that is not finite.
        """
        names = np.asarray(ids)
        if len(names) != len(emb):
            raise UserError(f"{len(emb)} vectors for {len(names)} ids")
        if not len(emb):
            raise UserError("no passage to index")
        unit_length = emb.dtype == np.float32
        for start, block in blocks(emb, normalize=False):
            require_finite(block, names[start : start + BLOCK].tolist())
            length = np.linalg.norm(block, axis=1)
            unit_length = unit_length and bool(np.abs(length - 1).max() < _ROUNDING)
        bounds = np.linspace(0, len(emb), max(1, min(shards, len(emb))) + 1).astype(int).tolist()
        parts: list[faiss.Index] = []
        probes = []
        if kind != "flat":
            for number, (start, end) in enumerate(pairwise(bounds)):
                part = _Part(emb[start:end], kind, score, seed)
                file = keep_parts / part_name(number) if keep_parts else None
                made = part.kept(file, tuned_with) if file else part.built(tuned_with)
                parts.append(made)
                probes.append(part.probes(made))
        meta = IndexMeta(
            kind=kind,
            model=model,
            score=score,
            dim=emb.shape[1],
            count=len(emb),
            parts=tuple(bounds[:-1]),
            probes=tuple(probes),
            of_length_1=unit_length,
        )
        return cls(emb, names, meta, parts)

    def search(
        self, queries: Float[np.ndarray, "queries dim"], k: int
    ) -> tuple[Shaped[np.ndarray, "queries k"], Float32[np.ndarray, "queries k"]]:
        """Ids and scores of the k best rows, best first; of equal scores the earlier row.

        Where there are fewer than k rows, all of them, with a warning. Where an approximate index
        finds fewer, the ids are -1 or "" and the scores minus infinity.

        Raises
        ------
        UserError : another number of dimensions, k below 1, a query that is not finite.
        """
        if queries.ndim != 2 or queries.shape[1] != self.meta.dim:
            raise UserError(
                f"queries of {queries.shape[-1]} dimensions, the index has {self.meta.dim}"
            )
        if require_positive(k) > self.meta.count:
            log.warning("k = %d, the index has %d passages: all of them", k, self.meta.count)
            k = self.meta.count
        wanted = np.ascontiguousarray(queries, dtype=np.float32)
        require_finite(wanted, [f"query {row}" for row in range(len(wanted))])
        if self.meta.score == "cosine":
            wanted = unit(wanted)
        rows, scores = self._found(wanted, k)
        missing: str | int = "" if self.ids.dtype.kind == "U" else -1
        ids = np.where(rows < 0, np.asarray(missing, dtype=self.ids.dtype), self.ids[rows])
        return ids, scores

    def scores_of(
        self, query: Float32[np.ndarray, " dim"], rows: Int64[np.ndarray, " rows"]
    ) -> Float32[np.ndarray, " rows"]:
        """Exact scores of some rows for one query."""
        vectors = np.asarray(self.vectors[rows], dtype=np.float32)
        if self.meta.to_normalize:
            vectors = unit(vectors)
        return vectors @ (unit(query[None])[0] if self.meta.score == "cosine" else query)

    def save(self, folder: Path, *, complete: bool = True) -> None:
        """Write the index: arrays, faiss' own files and JSON, nothing that Python would unpickle.

        Parameters
        ----------
        complete : False where vectors and parts lie in the folder already.
        """
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / IDS, self.ids, allow_pickle=False)
        if complete:
            np.save(folder / VECTORS, self.vectors, allow_pickle=False)
            for number, part in enumerate(self.faiss_parts):
                _faiss().write_index(part, str(folder / part_name(number)))
        write_json(folder / META, asdict(self.meta))

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        model: str | None = None,
        score: Score | None = None,
        force: bool = False,
    ) -> Self:
        """Read what `save` wrote; vectors stay on disk until they are needed.

        Parameters
        ----------
        model, score : of the encoder that will ask; None for any.
        force : take an index of another encoder or score all the same.

        Raises
        ------
        UserError : no index in the folder; it was made with another encoder or score.
        """
        if not (folder / META).exists():
            raise UserError(f"{folder}: no index in it", "make one: cfr index --passages FILE")
        content = read_json(folder / META)
        lists = {name: tuple(content[name]) for name in ("parts", "probes")}
        meta = IndexMeta(**(content | lists))
        if not force:
            if model is not None and model != meta.model:
                raise UserError(
                    f"{folder}: was made with another encoder (its hash differs)",
                    "index with this one, or pass --force",
                )
            if score is not None and score != meta.score:
                raise UserError(
                    f"{folder}: was made for {meta.score}, the encoder for {score}",
                    "index anew, or pass --force",
                )
        vectors, ids = read_array(folder / VECTORS), np.asarray(read_array(folder / IDS))
        if vectors.shape != (meta.count, meta.dim) or len(ids) != meta.count:
            raise UserError(f"{folder}: {vectors.shape} vectors for {len(ids)} ids", "index anew")
        parts = []
        if meta.kind != "flat":
            library = _faiss()
            flags = library.IO_FLAG_MMAP | library.IO_FLAG_READ_ONLY
            for number, probes in enumerate(meta.probes):
                part = library.read_index(str(folder / part_name(number)), flags)
                if probes:
                    part.nprobe = probes
                parts.append(part)
        return cls(vectors, ids, meta, parts)

    def _found(
        self, wanted: Float32[np.ndarray, "queries dim"], k: int
    ) -> tuple[Int64[np.ndarray, "queries k"], Float32[np.ndarray, "queries k"]]:
        """Rows and scores of the k best, -1 and minus infinity where there are fewer."""
        if self.faiss_parts:
            found = self._by_parts(wanted, k)
        else:
            found = nearest(self.vectors, wanted, k, normalize=self.meta.to_normalize)
        rows = np.full((len(wanted), k), -1, dtype=np.int64)
        scores = np.full((len(wanted), k), -np.inf, dtype=np.float32)
        for query, (own_rows, own_scores) in enumerate(found):
            best = best_rows(own_scores, k)
            rows[query, : len(best)], scores[query, : len(best)] = own_rows[best], own_scores[best]
        return rows, scores

    def _by_parts(self, wanted: Float32[np.ndarray, "queries dim"], k: int) -> list[Found]:
        """Approximate: what faiss finds in each part; compressed ones are scored again."""
        depth = max(k, RESCORED) if self.meta.kind == "pq" else k
        rows_of, scores_of = [], []
        for first, part in zip(self.meta.parts, self.faiss_parts, strict=True):
            scores, rows = part.search(wanted, min(depth, part.ntotal))
            rows_of.append(np.where(rows < 0, -1, rows + first))
            scores_of.append(scores)
        found: list[Found] = []
        for query, rows, scores in zip(
            wanted, np.concatenate(rows_of, 1), np.concatenate(scores_of, 1), strict=True
        ):
            there = np.flatnonzero(rows >= 0)
            order = there[np.argsort(rows[there], kind="stable")]
            own = rows[order].astype(np.int64)
            exact = self.scores_of(query, own) if self.meta.kind == "pq" else scores[order]
            found.append((own, exact))
        return found


class _Part:
    """Rows for which one faiss index is built."""

    def __init__(
        self, rows: Float[np.ndarray, "rows dim"], kind: Kind, score: Score, seed: int
    ) -> None:
        self.rows, self.kind, self.score, self.seed = rows, kind, score, seed

    def kept(self, file: Path, tuned_with: Float[np.ndarray, "queries dim"] | None) -> faiss.Index:
        """The index from a file; where that is not there it is built and written, whole or not."""
        if file.exists():
            return _faiss().read_index(str(file))
        index = self.built(tuned_with)
        partial = file.with_name(f".{file.name}.partial")
        _faiss().write_index(index, str(partial))
        partial.replace(file)
        return index

    def built(self, tuned_with: Float[np.ndarray, "queries dim"] | None) -> faiss.Index:
        """The index with all rows in it, tuned."""
        index = self._empty()
        if not index.is_trained:
            index.train(self._sample(max(100_000, 40 * getattr(index, "nlist", 1))))
        for _, block in blocks(self.rows, normalize=self.score == "cosine"):
            index.add(block)
        if self.kind in ("ivf", "pq"):
            self._tune(index, tuned_with)
        return index

    def probes(self, index: faiss.Index) -> int:
        """How many lists a query looks into; 0 where the index has no lists."""
        return int(_faiss().extract_index_ivf(index).nprobe) if self.kind in ("ivf", "pq") else 0

    def _tune(self, index: faiss.Index, queries: Float[np.ndarray, "queries dim"] | None) -> None:
        """Set how many lists are looked into so that 95 % of the ten nearest are found."""
        asked = self._midpoints() if queries is None else np.asarray(queries, dtype=np.float32)
        if self.score == "cosine":
            asked = unit(asked)
        k = min(10, len(self.rows))
        exact = nearest(self.rows, asked, k, normalize=self.score == "cosine")
        wanted = np.stack([rows for rows, _ in exact])
        depth = min(RESCORED, len(self.rows)) if self.kind == "pq" else k
        lists = _faiss().extract_index_ivf(index)
        lists.nprobe = 1
        while lists.nprobe < lists.nlist:
            _, found = index.search(asked, depth)
            if recall(wanted, found) >= RECALL:
                break
            lists.nprobe = min(lists.nlist, 2 * lists.nprobe)

    def _empty(self) -> faiss.Index:
        library = _faiss()
        count, dim = self.rows.shape
        metric, half = library.METRIC_INNER_PRODUCT, self.rows.dtype == np.float16
        sixteen = library.ScalarQuantizer.QT_fp16
        if self.kind == "hnsw":
            if half:
                made = library.IndexHNSWSQ(dim, sixteen, LINKS, metric)
            else:
                made = library.IndexHNSWFlat(dim, LINKS, metric)
            made.hnsw.efSearch = BEAM
            return made
        # k-means wants 39 rows a list at least.
        lists = max(1, min(int(4 * np.sqrt(count)), count // 39))
        coarse = library.IndexFlatIP(dim)
        if self.kind == "pq":
            pieces = max(n for n in range(1, min(SUBSPACES, dim) + 1) if dim % n == 0)
            bits = int(np.clip(np.log2(max(2, count // 39)), 1, 8))
            made = library.IndexIVFPQ(coarse, dim, lists, pieces, bits, metric)
        elif half:
            made = library.IndexIVFScalarQuantizer(coarse, dim, lists, sixteen, metric)
        else:
            made = library.IndexIVFFlat(coarse, dim, lists, metric)
        for learning in [made.cp, made.pq.cp] if self.kind == "pq" else [made.cp]:
            learning.seed = self.seed + 1
            learning.min_points_per_centroid = 1  # it warns of few rows, which small corpora have
        return made

    def _sample(self, most: int) -> Float32[np.ndarray, "rows dim"]:
        """Random rows, the same ones with the same seed."""
        draw = np.random.default_rng(self.seed)
        size = min(most, len(self.rows))
        chosen = np.sort(draw.choice(len(self.rows), size=size, replace=False))
        sample = np.asarray(self.rows[chosen], dtype=np.float32)
        return unit(sample) if self.score == "cosine" else sample

    def _midpoints(self) -> Float32[np.ndarray, "queries dim"]:
        """Points between two random rows: queries are near no row's own list."""
        draw = np.random.default_rng([self.seed, 1])
        pairs = draw.integers(0, len(self.rows), size=(TUNING_QUERIES, 2))
        first, second = (np.asarray(self.rows[pairs[:, n]], dtype=np.float32) for n in (0, 1))
        return (first + second) / 2


def part_name(number: int) -> str:
    """File of one part of an index."""
    return f"index-{number:05d}.faiss"


def _faiss() -> ModuleType:
    try:
        import faiss
    except ImportError:
        raise UserError("faiss is not installed", "pip install faiss-cpu, or faiss-gpu") from None
    return faiss
