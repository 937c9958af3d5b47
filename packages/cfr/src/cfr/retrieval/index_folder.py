"""A folder that can be searched: passages, their vectors, a dense index and BM25's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from tenpapers.errors import UserError
from tenpapers.records import read_json, read_jsonl, write_json, write_jsonl

from ..inputs.files import read_passages
from ..records import Passage
from .bm25 import BM25
from .dense_index import IDS, META, VECTORS, DenseIndex, Kind, part_name
from .encoder import Encoder, Score
from .vectors import Stored, embed_file

if TYPE_CHECKING:
    from tenpapers.journal import Journal

PASSAGES, ENCODER, BM25_FOLDER = "passages.jsonl", "encoder.json", "bm25"
_MARKS = "vectors"  # workspace of what a killed run goes on with
NO_ENCODER = "none"


@dataclass(frozen=True)
class IndexSettings:
    """How passages are indexed."""

    encoder: Annotated[
        str,
        typer.Option(help="minilm, contriever, a checkpoint's folder or hub id; none: BM25 alone."),
    ] = "minilm"
    kind: Annotated[Kind, typer.Option(help="flat is exact; the others are faiss'.")] = "flat"
    dtype: Annotated[Stored, typer.Option(help="Of the stored vectors.")] = "fp32"
    shards: Annotated[int, typer.Option(help="Parts of a faiss index.", min=1)] = 1
    score: Annotated[
        Score | None, typer.Option(help="cosine or dot; default: what the checkpoint says.")
    ] = None


def build_index(passages_file: Path, settings: IndexSettings, journal: Journal) -> int:
    """Index passages into the folder of a journal; a killed run goes on where it stopped.

    Returns
    -------
    The number of passages.

    Raises
    ------
    UserError : a file of passages that is not clear, an encoder that cannot be found.
    """
    passages = read_passages(passages_file)
    if not journal.done(PASSAGES):
        write_jsonl(journal.file(PASSAGES), passages)
        journal.finish(PASSAGES)
    if not journal.has_folder(BM25_FOLDER):
        with journal.folder(BM25_FOLDER) as folder:
            BM25(passages).save(folder)
    if settings.encoder != NO_ENCODER and not journal.done("dense"):
        _build_dense(passages, settings, journal)
        journal.finish("dense")
    return len(passages)


def _build_dense(passages: Sequence[Passage], settings: IndexSettings, journal: Journal) -> None:
    encoder = Encoder.for_search(settings.encoder, score=settings.score)
    marks = journal.workspace(_MARKS)
    marks.mkdir(exist_ok=True)
    vectors = embed_file(
        passages,
        encoder,
        journal.file(VECTORS),
        marks / "done.npy",
        dtype=settings.dtype,
        progress="passages",
    )
    made = DenseIndex.build(
        vectors,
        [passage.pid for passage in passages],
        settings.kind,
        model=encoder.identity,
        score=encoder.config.score,
        shards=settings.shards,
    )
    journal.claim(IDS, META, ENCODER, *map(part_name, range(len(made.faiss_parts))))
    made.save(journal.root, with_vectors=False)
    write_json(journal.root / ENCODER, {"encoder": settings.encoder})
    journal.drop(_MARKS)


class IndexFolder:
    """What `cfr index` made, read piece by piece as it is needed.

    Parameters
    ----------
    folder : of the index.

    Raises
    ------
    UserError : no finished index in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not (folder / PASSAGES).exists() or not (folder / BM25_FOLDER / "words.json").exists():
            raise UserError(f"{folder}: no index in it", "make one: cfr index --passages FILE")
        self.passages = read_jsonl(folder / PASSAGES, Passage)
        self.row_of = {passage.pid: row for row, passage in enumerate(self.passages)}

    @property
    def encoder_name(self) -> str:
        """Name of the encoder of its vectors.

        Raises
        ------
        UserError : it was made without one.
        """
        file = self.folder / ENCODER
        if not file.exists():
            raise UserError(
                f"{self.folder}: was made without an encoder",
                "pass --model, or index with --encoder",
            )
        return str(read_json(file)["encoder"])

    def bm25(self) -> BM25:
        """Its BM25 index."""
        return BM25.load(self.folder / BM25_FOLDER)

    def dense(
        self, *, model: str | None = None, score: Score | None = None, force: bool = False
    ) -> DenseIndex:
        """Its dense index.

        Raises
        ------
        UserError : see `DenseIndex.load`.
        """
        found = DenseIndex.load(self.folder, model=model, score=score, force=force)
        if not np.array_equal(found.ids, [passage.pid for passage in self.passages]):
            raise UserError(f"{self.folder}: its vectors are of other passages", "index anew")
        return found
