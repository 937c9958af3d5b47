"""One call for every retriever, leaks of a test set left out."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer
from tenpapers.embedding import EmbeddingShards
from tenpapers.records import read_json

from ..inputs.documents import read_documents
from ..records import Example, Retrieved, TextRow, read_rows
from .leaks import near_duplicates
from .retrieve import (
    CORPUS,
    TOP_K,
    Index,
    rescored,
    retrieve_bm25,
    retrieve_dense,
    retrieve_random,
)

Retriever = Literal["dense", "bm25", "random"]


@dataclass(frozen=True)
class RetrieveSettings:
    """How documents are fetched."""

    docs: Annotated[Path | None, typer.Option(help="The embedded corpus, where it was moved.")] = (
        None
    )
    retriever: Annotated[Retriever, typer.Option(help="How documents are ranked.")] = "dense"
    index: Annotated[
        Index,
        typer.Option(
            help="dense: none searches all vectors; others are indexes of faiss, kept beside them "
            "(ivf and hnsw are quicker over millions and miss a few)."
        ),
    ] = "none"
    top_k: Annotated[int, typer.Option(help="Documents stored a seed.", min=1)] = TOP_K
    rescore: Annotated[
        str | None, typer.Option(help="BM25: cosines of this encoder as scores.")
    ] = None
    exclude: Annotated[Path | None, typer.Option(help="Drop documents that leak these texts.")] = (
        None
    )
    seed: Annotated[int, typer.Option(help="Seed of every random choice.")] = 42


def retrieve_by(
    seeds: Sequence[Example], source: Path, settings: RetrieveSettings
) -> tuple[list[Retrieved], dict[str, int]]:
    """Documents of every seed by one retriever, and how many were excluded for which reason.

    Parameters
    ----------
    source : folder of embeddings, or for "bm25" and "random" the documents themselves.

    Raises
    ------
    UserError : embeddings whose documents are gone.
    """
    corpus = settings.docs or embedded_corpus(source)
    shards = EmbeddingShards(source) if settings.retriever == "dense" else None
    leaks: dict[str, str] = {}
    if settings.exclude is not None:
        test = [row.text for row in read_rows(settings.exclude, TextRow)]
        leaks = near_duplicates(read_documents(corpus), test, shards)
    wide = settings.top_k + len(leaks)
    if shards is not None:
        found = retrieve_dense(seeds, shards, corpus, wide, index=settings.index)
    elif settings.retriever == "bm25":
        found = retrieve_bm25(seeds, corpus, wide)
    else:
        found = retrieve_random(seeds, corpus, wide, seed=settings.seed)
    found = [_without(row, leaks, settings.top_k) for row in found]
    if settings.rescore is not None:
        found = rescored(found, settings.rescore)
    return found, dict(Counter(leaks.values()))


def embedded_corpus(source: Path) -> Path:
    """The documents that a folder of embeddings was made of; any other path is itself."""
    note = source / CORPUS
    return Path(read_json(note)["documents"]) if note.exists() else source


def _without(row: Retrieved, leaks: dict[str, str], top_k: int) -> Retrieved:
    """The same seed without what leaks; ranks close up."""
    kept = [result for result in row.results if result.doc_id not in leaks][:top_k]
    renumbered = [result.model_copy(update={"rank": rank}) for rank, result in enumerate(kept, 1)]
    return row.model_copy(update={"results": renumbered})
