"""One call for every retriever, leaks of a test set left out."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tenpapers.embedding import EmbeddingShards
from tenpapers.errors import UserError
from tenpapers.records import read_json

from ..inputs.documents import read_documents
from ..records import Example, Retrieved, TextRow, read_rows
from .leaks import near_duplicates
from .retrieve import CORPUS, TOP_K, rescored, retrieve_bm25, retrieve_dense, retrieve_random

RETRIEVERS = ("dense", "bm25", "random")


def retrieve_by(
    retriever: str,
    seeds: Sequence[Example],
    source: Path,
    docs: Path | None = None,
    *,
    top_k: int = TOP_K,
    rescore: str | None = None,
    exclude: Path | None = None,
    seed: int = 42,
) -> tuple[list[Retrieved], dict[str, int]]:
    """Documents of every seed by one retriever, and how many were excluded for which reason.

    Parameters
    ----------
    source : folder of embeddings, or for "bm25" and "random" the documents themselves.
    docs : the documents of the embeddings, where they are no longer where they were.
    rescore : encoder whose cosines replace BM25's scores.
    exclude : file of test texts that no document may leak.

    Raises
    ------
    UserError : unknown retriever; embeddings whose documents are gone.
    """
    if retriever not in RETRIEVERS:
        raise UserError(f"retriever {retriever}: unknown", ", ".join(RETRIEVERS))
    corpus = docs or embedded_corpus(source)
    leaks: dict[str, str] = {}
    encoder = None
    if retriever == "dense":
        shards = EmbeddingShards(source)
        encoder = shards.meta["encoder"]
    if exclude is not None:
        test = [row.text for row in read_rows(exclude, TextRow)]
        leaks = near_duplicates(read_documents(corpus), test, encoder)
    wide = top_k + len(leaks)
    if retriever == "dense":
        found = retrieve_dense(seeds, shards, corpus, wide)
    elif retriever == "bm25":
        found = retrieve_bm25(seeds, corpus, wide)
    else:
        found = retrieve_random(seeds, corpus, wide, seed=seed)
    found = [_without(one, leaks, top_k) for one in found]
    if rescore is not None:
        found = rescored(found, rescore)
    return found, dict(Counter(leaks.values()))


def embedded_corpus(source: Path) -> Path:
    """The documents that a folder of embeddings was made of; any other path is itself."""
    note = source / CORPUS
    return Path(read_json(note)["documents"]) if note.exists() else source


def _without(one: Retrieved, leaks: dict[str, str], top_k: int) -> Retrieved:
    """The same seed without what leaks; ranks close up."""
    kept = [result for result in one.results if result.doc_id not in leaks][:top_k]
    renumbered = [result.model_copy(update={"rank": rank}) for rank, result in enumerate(kept, 1)]
    return one.model_copy(update={"results": renumbered})
