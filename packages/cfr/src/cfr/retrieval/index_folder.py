"""A folder that can be searched: passages, their vectors, a dense index and BM25's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from tenpapers.errors import UserError
from tenpapers.records import read_json, write_json, write_jsonl

from ..inputs.files import read_passages
from ..records import Passage
from .bm25 import BM25
from .dense_index import IDS, META, VECTORS, DenseIndex, Kind, part_name
from .encoder import Dtype, Encoder, Score
from .vectors import Stored, embed_file, read_array

if TYPE_CHECKING:
    from tenpapers.journal import Journal

PASSAGES, OFFSETS, PIDS = "passages.jsonl", "offsets.npy", "pids.npy"
ENCODER, BM25_FOLDER = "encoder.json", "bm25"
_WORK = "vectors"  # workspace of what a killed run goes on with
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
    precision: Annotated[
        Dtype, typer.Option(help="Of the encoder; bfloat16 is for GPUs, and rounds vectors.")
    ] = "float32"
    seed: Annotated[int, typer.Option(help="Draws what ivf and pq learn from.", min=0)] = 0


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
        np.save(journal.file(OFFSETS), line_offsets(journal.root / PASSAGES), allow_pickle=False)
        pids = np.array([passage.pid for passage in passages])
        np.save(journal.file(PIDS), pids, allow_pickle=False)
        journal.finish(PASSAGES)
    if not journal.has_folder(BM25_FOLDER):
        with journal.folder(BM25_FOLDER) as folder:
            BM25(passages).save(folder)
    if settings.encoder != NO_ENCODER and not journal.done("dense"):
        _build_dense(passages, settings, journal)
        journal.finish("dense")
    journal.drop(_WORK)
    return len(passages)


def _build_dense(passages: Sequence[Passage], settings: IndexSettings, journal: Journal) -> None:
    encoder = Encoder.for_search(settings.encoder, score=settings.score, dtype=settings.precision)
    work = journal.workspace(_WORK)
    work.mkdir(exist_ok=True)
    vectors = embed_file(
        passages,
        encoder,
        journal.file(VECTORS),
        work / "done.npy",
        dtype=settings.dtype,
        progress="passages",
    )
    made = DenseIndex.build(
        vectors,
        np.arange(len(passages)),
        settings.kind,
        model=encoder.identity,
        score=encoder.config.score,
        shards=settings.shards,
        seed=settings.seed,
        keep_parts=work,
    )
    parts = [part_name(number) for number in range(len(made.faiss_parts))]
    journal.claim(IDS, META, ENCODER, *parts)
    for name in parts:
        (work / name).replace(journal.root / name)
    made.save(journal.root, complete=False)
    write_json(journal.root / ENCODER, {"encoder": settings.encoder})


def line_offsets(file: Path) -> np.ndarray:
    """Where each line of a file begins, in bytes."""
    with file.open("rb") as lines:
        lengths = np.fromiter((len(line) for line in lines), dtype=np.int64)
    return np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)


class PassageFile:
    """Passages of an index, each read from its line when it is needed.

    Parameters
    ----------
    file : of JSON lines; offsets : where they begin, in bytes.
    """

    def __init__(self, file: Path, offsets: np.ndarray) -> None:
        self.file, self.offsets = file, offsets
        self._stream = file.open("rb")

    def __len__(self) -> int:
        return len(self.offsets)

    def __getitem__(self, row: int) -> Passage:
        self._stream.seek(int(self.offsets[row]))
        return Passage.model_validate_json(self._stream.readline())

    def __iter__(self) -> Iterator[Passage]:
        with self.file.open("rb") as lines:
            yield from map(Passage.model_validate_json, lines)


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
        wanted = (PASSAGES, OFFSETS, PIDS, f"{BM25_FOLDER}/words.json")
        if not all((folder / name).exists() for name in wanted):
            raise UserError(f"{folder}: no index in it", "make one: cfr index --passages FILE")
        self.passages = PassageFile(folder / PASSAGES, read_array(folder / OFFSETS))
        self.pids = read_array(folder / PIDS)

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Row of each passage by its name."""
        return {pid: row for row, pid in enumerate(self.pids.tolist())}

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
        if found.meta.count != len(self.passages):
            raise UserError(f"{self.folder}: its vectors are of other passages", "index anew")
        return found
