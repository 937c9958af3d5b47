"""Files of vectors: embedded prompts or responses, and their neighbours."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from tenpapers.errors import UserError, first_line
from tenpapers.journal import Journal
from tenpapers.records import atomic_writer, write_jsonl

from ..inputs.instances import load_instances
from ..inputs.samples import load_samples
from ..records import InstanceId
from .instructions import instructed
from .neighbours import knn
from .vectors import TextVectors

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy import ndarray

What = Literal["prompt", "response"]


def embed_file(file: Path, what: What, encoder: str, out: Path, *, cache: bool = True) -> int:
    """Embed the prompts of instances, or sample 0 of responses; gives the number of vectors.

    The file has `embeddings` float32 [N, dim], `ids`, and `sha256` of each text.

    Raises
    ------
    UserError : an input that does not fit; a sample 0 that failed; `out` is not ours.
    """
    ids, texts = _prompts(file) if what == "prompt" else _responses(file)
    encoder, shown, longest = instructed(encoder, texts, what)
    with Journal.once(out, command="overton embed", inputs=[file]) as journal:
        vectors = TextVectors(encoder, cache=cache, max_tokens=longest).of(shown)
        hashes = list(map(text_hash, texts))
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            embeddings=vectors,
            ids=np.array(ids if all(isinstance(one, int) for one in ids) else list(map(str, ids))),
            sha256=np.array(hashes),
            meta=np.array([f"what={what}", f"encoder={encoder}"]),
        )
        with atomic_writer(journal.file(out.name)) as stream:
            stream.write(buffer.getvalue())
    return len(texts)


def text_hash(text: str) -> str:
    """What a file of vectors knows a text by."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


class Embedded(NamedTuple):
    """What stands in a file of vectors.

    Parameters
    ----------
    ids : of the texts; the numbers of the rows where the file has none.
    hashes : of the texts, see `text_hash`; empty where the file does not say them.
    """

    ids: list[InstanceId]
    vectors: Float[ndarray, "texts dim"]
    hashes: list[str]


def read_embeddings(file: Path) -> Embedded:
    """Read a file of `embed`, or any that has `embeddings`.

    Raises
    ------
    UserError : missing, no archive of numpy's, no `embeddings` in it or no rows of numbers, ids of
        another number.
    """
    if not file.is_file():
        raise UserError(f"{file}: no such file")
    try:
        loaded = np.load(file, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            raise UserError(f"{file}: one array, an .npz with `embeddings` is wanted")
        with loaded as arrays:
            if "embeddings" not in arrays.files:
                raise UserError(f"{file}: no array `embeddings` in it")
            vectors = arrays["embeddings"]
            if vectors.ndim != 2 or vectors.dtype.kind not in "fiu":
                found = f"{vectors.ndim} axes of {vectors.dtype}"
                raise UserError(f"{file}: `embeddings` has {found}, rows of numbers are wanted")
            ids = arrays["ids"].tolist() if "ids" in arrays.files else list(range(len(vectors)))
            hashes = arrays["sha256"].tolist() if "sha256" in arrays.files else []
    except (ValueError, OSError, zipfile.BadZipFile, EOFError) as error:
        reason = first_line(error)
        raise UserError(f"{file}: no file of vectors (.npz): {reason}") from None
    if len(ids) != len(vectors):
        raise UserError(f"{file}: {len(ids)} ids and {len(vectors)} vectors")
    return Embedded(ids, vectors, hashes if len(hashes) == len(ids) else [])


def neighbours_file(file: Path, k: int, out: Path) -> int:
    """Write the `k` nearest others of every vector, by id; gives the number of rows.

    Raises
    ------
    UserError : see `read_embeddings` and `knn`; `out` is not ours.
    """
    ids, vectors, _ = read_embeddings(file)
    nearest = knn(vectors, k)
    rows = (
        {"id": own, "neighbours": [ids[place] for place in places]}
        for own, places in zip(ids, nearest, strict=True)
    )
    with Journal.once(out, command="overton neighbours", inputs=[file]) as journal:
        return write_jsonl(journal.file(out.name), rows)


def _prompts(file: Path) -> tuple[list[InstanceId], list[str]]:
    instances = load_instances(file)
    return [one.id for one in instances], [one.query for one in instances]


def _responses(file: Path) -> tuple[list[InstanceId], list[str]]:
    firsts = load_samples(file).firsts
    failed = [name for name, text in firsts.items() if text is None]
    if failed:
        raise UserError(
            f"{file}: sample 0 of {len(failed)} questions failed, first {failed[0]!r}",
            "sample them again",
        )
    return list(firsts), [text for text in firsts.values() if text is not None]
