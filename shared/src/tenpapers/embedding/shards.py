"""A corpus as embedding files: written a shard at a time, resumed, read by memory map."""

import hashlib
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from ..errors import UserError
from ..records import atomic_writer, read_json, write_json, write_text
from .encoder import Encoder
from .search import Shard, require_finite


class EmbeddingShards:
    """A folder of `emb-00000.npy`, `ids-00000.txt`, ... and `meta.json`.

    Parameters
    ----------
    folder : where they are.

    Raises
    ------
    UserError : no `meta.json`, or a shard that does not fit it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.meta = read_json(folder / "meta.json")
        self.dim = int(self.meta["dim"])

    @classmethod
    def build(
        cls,
        folder: Path,
        encoder: Encoder,
        documents: Iterator[tuple[str, str]],
        *,
        shard_size: int = 100_000,
        dtype: str = "float16",
        max_length: int = 512,
        corpus_sha256: str = "",
        place: Callable[[str], Path] | None = None,
    ) -> "EmbeddingShards":
        """Encode documents, (id, text) each; a killed run goes on with the first missing shard.

        Parameters
        ----------
        place : from the name of a file in the folder to its path, as `Journal.file` announces it.

        Raises
        ------
        UserError : the folder holds embeddings of another encoder or corpus; no document; an id
            with a line end in it; a text whose vector is not finite.
        """
        folder.mkdir(parents=True, exist_ok=True)
        place = place or folder.joinpath
        settings = {
            "encoder": encoder.name,
            "identity": encoder.identity,
            "dim": encoder.dim,
            "normalised": encoder.normalize,
            "dtype": dtype,
            "shard_size": shard_size,
            "max_length": max_length,
            "corpus_sha256": corpus_sha256,
        }
        claim = place("settings.json")
        if claim.exists() and read_json(claim) != settings:
            raise UserError(f"{folder}: holds embeddings of other settings", "choose another --out")
        write_json(claim, settings)
        count = number = 0
        chunks = iter(lambda: list(islice(documents, shard_size)), [])
        for number, (ids, texts) in enumerate(zip(*chunk, strict=True) for chunk in chunks):
            arrays, names = map(place, _names(number))
            if not (names.exists() and arrays.exists()):
                if broken := [name for name in ids if "\n" in name or "\r" in name]:
                    raise UserError(f"document {broken[0]!r}: an id cannot hold a line end")
                encoded = encoder.encode(
                    texts, role="document", max_length=max_length, progress=arrays.name
                )
                with np.errstate(over="ignore"):
                    vectors = encoded.astype(dtype)
                require_finite(vectors.astype(np.float32), ids)
                with atomic_writer(arrays) as stream:
                    np.save(stream, vectors)
                write_text(names, "".join(f"{name}\n" for name in ids))
            count += len(ids)
        if not count:
            raise UserError(f"{folder}: no document to encode")
        digest = hashlib.sha256(repr(sorted(settings.items())).encode()).hexdigest()
        write_json(
            place("meta.json"),
            settings | {"count": count, "shards": number + 1, "key": digest[:16]},
        )
        return cls(folder)

    def __iter__(self) -> Iterator[Shard]:
        """Ids and memory-mapped array of every shard."""
        for number in range(int(self.meta["shards"])):
            arrays, names = map(self.folder.joinpath, _names(number))
            # No other line ends than ours: an id may hold what Unicode takes for one.
            ids = names.read_bytes().decode().split("\n")[:-1]
            vectors = np.load(arrays, mmap_mode="r", allow_pickle=False)
            if vectors.shape != (len(ids), self.dim):
                raise UserError(
                    f"{arrays}: {vectors.shape} numbers for {len(ids)} ids of {self.dim} dimensions"
                )
            yield ids, vectors

    def __len__(self) -> int:
        return int(self.meta["count"])


def _names(number: int) -> tuple[str, str]:
    return f"emb-{number:05d}.npy", f"ids-{number:05d}.txt"
