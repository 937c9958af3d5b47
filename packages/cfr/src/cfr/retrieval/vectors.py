"""Vectors on disk: a corpus's in one memory-mapped array, and a cache of texts met before."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from filelock import FileLock
from tenpapers.embedding.search import require_finite
from tenpapers.errors import UserError
from tenpapers.models.embedded import cache_folder

from ..records import Passage, Query
from .encoder import Encoder, EncoderConfig, Side
from .query_form import fitted_queries

if TYPE_CHECKING:
    from jaxtyping import Float32

log = logging.getLogger(__name__)
Stored = Literal["fp32", "fp16"]
DTYPES: dict[Stored, type[np.floating]] = {"fp32": np.float32, "fp16": np.float16}
# Passages that are encoded before they are marked as done: what a killed run loses at most.
_BLOCK = 1024
_KEY_BYTES = 32  # hexadecimal digits of a SHA-256


class VectorSource(Protocol):
    """Gives the vectors of queries and passages: an `Encoder`, or its `VectorCache`."""

    config: EncoderConfig

    def encode_queries(self, queries: Sequence[Query]) -> Float32[np.ndarray, "queries dim"]:
        """Vectors of queries."""
        ...

    def encode_passages(self, passages: Sequence[Passage]) -> Float32[np.ndarray, "passages dim"]:
        """Vectors of passages."""
        ...


def embed_file(
    passages: Sequence[Passage],
    encoder: Encoder,
    file: Path,
    marks: Path,
    *,
    dtype: Stored = "fp32",
    progress: str | None = None,
) -> np.ndarray:
    """Write the vectors of passages into one array on disk, in their order.

    Parameters
    ----------
    file : `.npy`, memory-mapped while it is written.
    marks : `.npy` beside it that says which rows are done; a killed run goes on with the others.

    Returns
    -------
    The array, memory-mapped for reading.

    Raises
    ------
    UserError : a text whose vector is not finite, or not in this dtype.
    """
    from tqdm import tqdm

    shape = (len(passages), encoder.dim)
    vectors = _array(file, shape, DTYPES[dtype])
    done = _array(marks, (len(passages),), np.bool_)
    missing = np.flatnonzero(np.logical_not(done))
    with tqdm(
        total=len(passages),
        initial=len(passages) - len(missing),
        desc=progress,
        disable=progress is None,
    ) as bar:
        for start in range(0, len(missing), _BLOCK):
            rows = missing[start : start + _BLOCK]
            some = [passages[row] for row in rows]
            with np.errstate(over="ignore"):
                found = encoder.encode_passages(some).astype(DTYPES[dtype])
            require_finite(found.astype(np.float32), [passage.pid for passage in some])
            vectors[rows] = found
            vectors.flush()  # before the marks: what is marked is there
            done[rows] = True
            done.flush()
            bar.update(len(rows))
    del vectors
    return read_array(file)


def read_array(file: Path) -> np.ndarray:
    """A memory-mapped array; no file with Python objects in it is ever read.

    Raises
    ------
    UserError : no such file, or none of an array of numbers.
    """
    try:
        return np.load(file, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise UserError(f"{file}: no such file") from None
    except ValueError:
        raise UserError(f"{file}: is no array of numbers") from None


def _array(
    file: Path, shape: tuple[int, ...], dtype: type[np.generic]
) -> np.memmap[tuple[int, ...], np.dtype[np.generic]]:
    """The array of a run that was killed, or a new one."""
    if file.exists():
        try:
            known = np.lib.format.open_memmap(file, mode="r+")
        except (ValueError, OSError):  # killed while its header was written
            known = None
        if known is not None and known.shape == shape and known.dtype == dtype:
            return known
    return np.lib.format.open_memmap(file, mode="w+", dtype=dtype, shape=shape)


class VectorCache:
    """Vectors of an encoder, each text's once, also between runs: one memory-mapped file.

    Parameters
    ----------
    encoder : its identity and how it is used name the file.
    folder : of the files; default in the user's cache.
    progress : what a progress bar says while texts are encoded, None for none.
    """

    def __init__(
        self, encoder: Encoder, folder: Path | None = None, *, progress: str | None = None
    ) -> None:
        self.encoder, self.config = encoder, encoder.config
        self.folder = folder or cache_folder() / "cfr"
        self.progress = progress
        self.encoded = 0  # texts that had to be encoded

    def encode_queries(self, queries: Sequence[Query]) -> Float32[np.ndarray, "queries dim"]:
        """Vectors of claims with their subquestions."""
        config = self.config
        texts = fitted_queries(
            queries,
            self.encoder.tokenizer,
            form=config.query_format,
            max_length=config.query_length,
        )
        return self.of(texts, self.encoder.longest, side="query")

    def encode_passages(self, passages: Sequence[Passage]) -> Float32[np.ndarray, "passages dim"]:
        """Vectors of passages with their titles."""
        return self.of([passage.document for passage in passages], self.config.document_length)

    def of(
        self, texts: Sequence[str], max_length: int, *, side: Side = "document"
    ) -> Float32[np.ndarray, "texts dim"]:
        """Vectors of texts, in their order; what is not remembered is encoded, each text once."""
        try:
            return self._remembered(texts, max_length, side)
        except OSError as error:  # a full disk, a home that cannot be written
            log.warning("vectors are not remembered: %s", error.strerror or error)
        distinct = {text: row for row, text in enumerate(dict.fromkeys(texts))}
        found = self._encoded(list(distinct), max_length, side, progress=self.progress)
        return found[[distinct[text] for text in texts]]

    def _remembered(
        self, texts: Sequence[str], max_length: int, side: Side
    ) -> Float32[np.ndarray, "texts dim"]:
        from tqdm import tqdm

        keys = {text: _key(text) for text in dict.fromkeys(texts)}
        file = self._file(max_length, side)
        record = np.dtype([("key", f"S{_KEY_BYTES}"), ("vector", "<f4", (self.encoder.dim,))])
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(file.with_suffix(".lock")):
            rows = _rows(file, record)
            missing = [text for text, key in keys.items() if key not in rows]
            hidden = self.progress is None or not missing
            bar = tqdm(total=len(missing), desc=self.progress, unit="text", disable=hidden)
            for start in range(0, len(missing), _BLOCK):
                some = missing[start : start + _BLOCK]
                new = np.empty(len(some), dtype=record)
                new["key"] = [keys[text] for text in some]
                new["vector"] = self._encoded(some, max_length, side)
                with file.open("ab") as stream:
                    stream.write(new.tobytes())
                rows |= {keys[text]: len(rows) + row for row, text in enumerate(some)}
                bar.update(len(some))
            bar.close()
            if not rows:
                return np.empty((0, self.encoder.dim), dtype=np.float32)
            known = np.memmap(file, dtype=record, mode="r")
            return np.array(known["vector"][[rows[keys[text]] for text in texts]])

    def _encoded(
        self, texts: Sequence[str], max_length: int, side: Side, *, progress: str | None = None
    ) -> Float32[np.ndarray, "texts dim"]:
        vectors = self.encoder.encode(texts, max_length, side=side, progress=progress)
        require_finite(vectors, [text[:60] for text in texts])
        self.encoded += len(texts)
        return vectors

    def _file(self, max_length: int, side: Side) -> Path:
        encoder = self.encoder
        used = {
            "model": encoder.identity,
            "pooling": self.config.pooling,
            "normalize": encoder.normalize,
            "normalize_text": self.config.normalize_text,
            "max_length": max_length,
            "side": side if encoder.heads else "",
            "dtype": str(encoder.model.dtype),
        }
        name = hashlib.sha256(json.dumps(used, sort_keys=True).encode()).hexdigest()[:16]
        return self.folder / f"vectors-{name}.bin"


def _key(text: str) -> bytes:
    # Hexadecimal, because NumPy's byte strings lose zeros at their end.
    digest = hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()
    return digest[:_KEY_BYTES].encode()


def _rows(file: Path, record: np.dtype[np.void]) -> dict[bytes, int]:
    """Row of each text that is remembered; a record that a kill cut off is dropped."""
    if not file.exists():
        return {}
    size = file.stat().st_size
    if size % record.itemsize:
        with file.open("rb+") as stream:
            stream.truncate(size - size % record.itemsize)
    if size < record.itemsize:
        return {}
    known = np.memmap(file, dtype=record, mode="r")
    return {key: row for row, key in enumerate(known["key"].tolist())}
