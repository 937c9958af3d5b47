"""Vectors of whole texts: each text is encoded once, and remembered between runs."""

from __future__ import annotations

import hashlib
import logging
import sqlite3
from collections import Counter
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tenpapers.closing import Closing
from tenpapers.embedding import Encoder
from tenpapers.models.embedded import cache_folder

from .last_token import LastTokenEncoder, reads_last_token

if TYPE_CHECKING:
    from jaxtyping import Float32
    from numpy import ndarray

log = logging.getLogger(__name__)

# What is read of a text: sentence encoders were trained on no more.
MAX_TOKENS = 256
# Texts that a core, or a GPU, encodes before they are remembered: what a killed run loses of each,
# and what an interrupted one waits for.
_CHUNK, _GPU_CHUNK = 8, 32
_KEYS_A_QUERY = 500
# How far from 1 the length of a vector may be; half precision is within it.
_UNIT = 1e-2


class TextVectors:
    """Unit vectors of texts by one encoder.

    Parameters
    ----------
    name : of the encoder: `minilm`, a folder of sentence-transformers or a hub id.
    cache : whether vectors are remembered in the user's cache.
    max_tokens : number of tokens that are read of a text.
    """

    def __init__(
        self, name: str = "minilm", *, cache: bool = True, max_tokens: int = MAX_TOKENS
    ) -> None:
        self.name, self.max_tokens = name, max_tokens
        self._encoder: Encoder | LastTokenEncoder | None = None
        self._file: Path | None = None
        if cache:
            known = hashlib.sha256(f"{Encoder.identity_of(name)} {max_tokens}".encode())
            self._file = cache_folder() / "overton" / f"vectors-{known.hexdigest()[:16]}.sqlite"

    def of(
        self, texts: Sequence[str], *, progress: str | None = None
    ) -> Float32[ndarray, "texts dim"]:
        """Vectors of length 1 of texts, in their order; a text that repeats is encoded once.

        Parameters
        ----------
        progress : what a progress bar says, None for none.
        """
        keys = {text: _key(text) for text in dict.fromkeys(texts)}
        with _Store(self._file) as store:
            found = store.read(list(keys.values()))
            # Long and short texts apart, so that none is padded much.
            missing = sorted((text for text, key in keys.items() if key not in found), key=len)
            with closing(self._encoded(missing, progress)) as chunks:
                for chunk, vectors in chunks:
                    new = {keys[text]: vector for text, vector in zip(chunk, vectors, strict=True)}
                    store.write(new)
                    found |= new
        rows = [found[keys[text]] for text in texts]
        return np.stack(rows) if rows else np.empty((0, 0), dtype=np.float32)

    def _encoded(
        self, texts: Sequence[str], progress: str | None
    ) -> Generator[tuple[Sequence[str], Float32[ndarray, "texts dim"]]]:
        """Texts and their vectors, a chunk at a time, on every core that torch may use.

        A core with batches of its own waits for nobody, as those that share the small products of
        one batch do. Closed before its end it drops the chunks that no core has begun.
        """
        if not texts:
            return
        import torch
        from tqdm import tqdm

        encoder, longest = self.encoder, self.max_tokens
        has_gpu = torch.cuda.is_available()
        size = _GPU_CHUNK if has_gpu else _CHUNK
        chunks = [texts[start : start + size] for start in range(0, len(texts), size)]
        threads = torch.get_num_threads()
        workers = 1 if has_gpu else min(threads, len(chunks))
        # Before others do: a tokenizer takes its settings from its first texts.
        encoder.encode(texts[:1], max_length=longest)
        share = threads // workers
        torch.set_num_threads(share)
        pool = ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(share,))
        try:
            with tqdm(total=len(texts), desc=progress, disable=progress is None) as shown:
                made = pool.map(lambda chunk: encoder.encode(chunk, max_length=longest), chunks)
                for chunk, vectors in zip(chunks, made, strict=True):
                    yield chunk, vectors
                    shown.update(len(chunk))
        finally:
            pool.shutdown(cancel_futures=True)
            torch.set_num_threads(threads)

    @property
    def encoder(self) -> Encoder | LastTokenEncoder:
        """The encoder, loaded when a text is met that was not remembered."""
        if self._encoder is None:
            kind = LastTokenEncoder if reads_last_token(self.name) else Encoder
            self._encoder = kind.load(self.name)
        return self._encoder


class _Store(Closing):
    """A table of vectors; what cannot be read or written is only not remembered.

    A damaged file is begun anew: all that it held can be made again.

    Parameters
    ----------
    file : None remembers nothing.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._opened: sqlite3.Connection | None = None
        try:
            self._open()
        except (sqlite3.Error, OSError) as error:
            self._mend(error)

    def read(self, keys: Sequence[bytes]) -> dict[bytes, Float32[ndarray, " dim"]]:
        found: dict[bytes, Float32[ndarray, " dim"]] = {}
        for start in range(0, len(keys), _KEYS_A_QUERY):
            if self._opened is None:
                break
            some = keys[start : start + _KEYS_A_QUERY]
            marks = ",".join("?" * len(some))
            query = f"SELECT key, vector FROM vectors WHERE key IN ({marks})"
            try:
                rows = self._opened.execute(query, some).fetchall()
            except sqlite3.Error as error:
                self._mend(error)
                break
            found |= {key: vector for key, kept in rows if (vector := _sound(kept)) is not None}
        lengths = Counter(map(len, found.values())).most_common(1)
        return {key: vector for key, vector in found.items() if len(vector) == lengths[0][0]}

    def write(self, vectors: dict[bytes, Float32[ndarray, " dim"]]) -> None:
        if self._opened is None:
            return
        rows = [(key, vector.astype(np.float32).tobytes()) for key, vector in vectors.items()]
        try:
            with self._opened:
                self._opened.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
        except sqlite3.Error as error:
            self._mend(error)

    def close(self) -> None:
        """Close the file."""
        if self._opened is not None:
            self._opened.close()
        self._opened = None

    def _open(self) -> None:
        if self._file is None:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._opened = sqlite3.connect(self._file, timeout=10)
        self._opened.execute(
            "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB)"
        )

    def _mend(self, error: sqlite3.Error | OSError) -> None:
        """Begin a damaged file anew; without one where that is not to be mended."""
        self.close()
        if self._file is not None and _is_damage(error):
            log.warning("%s: %s; it is begun anew", self._file, error)
            try:
                for ending in ("", "-journal"):
                    self._file.with_name(self._file.name + ending).unlink(missing_ok=True)
                self._open()
            except (sqlite3.Error, OSError) as again:
                error = again
            else:
                return
        self.close()
        log.warning("%s: %s; vectors are not remembered", self._file, error)


def _is_damage(error: Exception) -> bool:
    """Whether SQLite says that a file is none of its databases, or no longer."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # what stands above says it more exactly
    return code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)


def _sound(kept: object) -> Float32[ndarray, " dim"] | None:
    """A vector as it was kept; None of one that has not come through."""
    if not isinstance(kept, bytes) or not kept or len(kept) % 4:
        return None
    vector = np.frombuffer(kept, dtype=np.float32)
    return vector if abs(float(np.linalg.norm(vector)) - 1) < _UNIT else None


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="backslashreplace")).digest()
