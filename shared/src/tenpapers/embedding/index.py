"""faiss indexes with names for their rows: flat (exact), IVF and HNSW (approximate)."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from ..errors import UserError
from ..records import read_json, write_json
from .search import Shard

Kind = Literal["flat", "ivf", "hnsw"]
KINDS: tuple[Kind, ...] = ("flat", "ivf", "hnsw")
LINKS = 32  # of an HNSW node
# Lists of an IVF index that a query looks into, of all.
PROBES = 0.1


class DenseIndex:
    """An inner-product index; vectors of length 1 make it cosine.

    Parameters
    ----------
    index : faiss index.
    ids : name of each row.
    kind : how it searches.
    """

    def __init__(self, index: Any, ids: Sequence[str], kind: Kind) -> None:
        self.index = index
        self.ids = np.asarray(ids, dtype=object)
        self.kind = kind

    @classmethod
    def build(cls, shards: Iterable[Shard], kind: Kind = "flat") -> Self:
        """Build from shards, which are read twice (IVF learns its lists from the first rows).

        Raises
        ------
        UserError : unknown kind, no document, faiss not installed.
        """
        faiss = _faiss()
        if kind not in KINDS:
            raise UserError(f"index {kind}: unknown", ", ".join(KINDS))
        index: Any = None
        ids: list[str] = []
        for names, vectors in shards:
            block = np.ascontiguousarray(vectors, dtype=np.float32)
            if index is None:
                index = _empty(faiss, kind, block)
            index.add(block)
            ids += names
        if index is None:
            raise UserError("no document to index")
        return cls(index, ids, kind)

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Scores float32 [Q, k] and ids object [Q, k], best first; fewer than k documents: fewer.

        Raises
        ------
        UserError : another number of dimensions.
        """
        if queries.shape[1] != self.index.d:
            raise UserError(
                f"queries of {queries.shape[1]} dimensions, the index has {self.index.d}"
            )
        kept = min(k, len(self.ids))
        scores, places = self.index.search(np.ascontiguousarray(queries, dtype=np.float32), kept)
        named = self.ids[places]
        named[places < 0] = None  # an approximate index may find fewer
        return scores, named

    def save(self, folder: Path) -> None:
        """Write `index.faiss` and `index.json`."""
        folder.mkdir(parents=True, exist_ok=True)
        _faiss().write_index(self.index, str(folder / "index.faiss"))
        write_json(folder / "index.json", {"kind": self.kind, "ids": self.ids.tolist()})

    @classmethod
    def load(cls, folder: Path, *, memory_map: bool = True) -> Self:
        """Read what `save` wrote; memory-mapped, vectors stay on disk until they are needed.

        Raises
        ------
        UserError : no index in the folder.
        """
        faiss = _faiss()
        file = folder / "index.faiss"
        if not file.exists():
            raise UserError(f"{folder}: no index.faiss in it")
        content = read_json(folder / "index.json")
        flags = faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY if memory_map else 0
        return cls(faiss.read_index(str(file), flags), content["ids"], content["kind"])


def _empty(faiss: Any, kind: Kind, sample: np.ndarray) -> Any:
    """A trained index without rows."""
    width = sample.shape[1]
    if kind == "flat":
        return faiss.IndexFlatIP(width)
    if kind == "hnsw":
        return faiss.IndexHNSWFlat(width, LINKS, faiss.METRIC_INNER_PRODUCT)
    lists = max(1, min(4096, int(4 * np.sqrt(len(sample))), len(sample) // 39 or 1))
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(width), width, lists, faiss.METRIC_INNER_PRODUCT)
    index.train(sample)
    index.nprobe = max(1, round(PROBES * lists))
    return index


def _faiss() -> Any:
    try:
        import faiss
    except ImportError:
        raise UserError("faiss is not installed", "pip install faiss-cpu, or faiss-gpu") from None
    return faiss
