"""faiss indexes with names for their rows: flat (exact), IVF and HNSW (approximate)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal, Self, get_args

import numpy as np

from ..errors import UserError
from ..records import read_json, write_json
from .search import Shard, require_finite, require_positive

if TYPE_CHECKING:
    import faiss
    from jaxtyping import Float, Float32, Shaped

Kind = Literal["flat", "ivf", "hnsw"]
LINKS = 32  # of an HNSW node
PROBES = 0.1  # share of an IVF index's lists that a query looks into


class DenseIndex:
    """An inner-product index; vectors of length 1 make it cosine.

    Parameters
    ----------
    index : faiss index.
    ids : name of each row.
    kind : how it searches.
    """

    def __init__(self, index: faiss.Index, ids: Sequence[str], kind: Kind) -> None:
        self.index = index
        self.ids = np.asarray(ids, dtype=object)
        self.kind = kind

    @classmethod
    def build(cls, shards: Iterable[Shard], kind: Kind = "flat") -> Self:
        """Build from shards; IVF learns its lists from the first.

        Raises
        ------
        UserError : unknown kind, no document, a vector that is not finite, faiss not installed.
        """
        library = _faiss()
        if kind not in get_args(Kind):
            raise UserError(f"index {kind}: unknown", ", ".join(get_args(Kind)))
        index: faiss.Index | None = None
        ids: list[str] = []
        for names, vectors in shards:
            block = np.ascontiguousarray(vectors, dtype=np.float32)
            if index is None:
                index = _empty(library, kind, block)
            require_finite(block, names)
            index.add(block)
            ids += names
        if index is None:
            raise UserError("no document to index")
        return cls(index, ids, kind)

    def search(
        self, queries: Float[np.ndarray, "queries dim"], k: int
    ) -> tuple[Float32[np.ndarray, "queries k"], Shaped[np.ndarray, "queries k"]]:
        """Scores and ids of the k best documents, best first; all of them where there are fewer.

        Raises
        ------
        UserError : another number of dimensions, k below 1, a query that is not finite.
        """
        if queries.shape[1] != self.index.d:
            raise UserError(
                f"queries of {queries.shape[1]} dimensions, the index has {self.index.d}"
            )
        wanted = np.ascontiguousarray(queries, dtype=np.float32)
        require_finite(wanted, [f"query {row}" for row in range(len(wanted))])
        scores, rows = self.index.search(wanted, min(require_positive(k), len(self.ids)))
        ids = self.ids[rows]
        ids[rows < 0] = None  # an approximate index may find fewer
        return scores, ids

    def save(self, folder: Path) -> None:
        """Write `index.faiss` and `index.json`."""
        folder.mkdir(parents=True, exist_ok=True)
        _faiss().write_index(self.index, str(folder / "index.faiss"))
        write_json(folder / "index.json", {"kind": self.kind, "ids": self.ids.tolist()})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; vectors stay on disk until they are needed.

        Raises
        ------
        UserError : no index in the folder.
        """
        library = _faiss()
        file = folder / "index.faiss"
        if not file.exists():
            raise UserError(f"{folder}: no index.faiss in it")
        content = read_json(folder / "index.json")
        flags = library.IO_FLAG_MMAP | library.IO_FLAG_READ_ONLY
        return cls(library.read_index(str(file), flags), content["ids"], content["kind"])


def _empty(library: ModuleType, kind: Kind, sample: Float32[np.ndarray, "rows dim"]) -> faiss.Index:
    """A trained index without rows."""
    dim = sample.shape[1]
    if kind == "flat":
        return library.IndexFlatIP(dim)
    metric = library.METRIC_INNER_PRODUCT
    if kind == "hnsw":
        return library.IndexHNSWFlat(dim, LINKS, metric)
    lists = max(1, min(4096, int(4 * np.sqrt(len(sample))), len(sample) // 39 or 1))
    index = library.IndexIVFFlat(library.IndexFlatIP(dim), dim, lists, metric)
    index.train(sample)
    index.nprobe = max(1, round(PROBES * lists))
    return index


def _faiss() -> ModuleType:
    try:
        import faiss
    except ImportError:
        raise UserError("faiss is not installed", "pip install faiss-cpu, or faiss-gpu") from None
    return faiss
