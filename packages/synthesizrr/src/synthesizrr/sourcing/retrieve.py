"""Content sourcing, step one: the documents that each seed fetches."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer
from tenpapers.embedding import DenseIndex, EmbeddingShards, Encoder, search
from tenpapers.embedding.encoder import Role
from tenpapers.embedding.index import Kind
from tenpapers.errors import UserError
from tenpapers.records import read_json, write_json

from ..inputs.documents import SHARD_DOCUMENTS, corpus_digest, fetch_texts, read_documents
from ..records import Example, Metric, Result, Retrieved
from ..scoring.tokens import word_tokens
from .okapi import Bm25Index

CORPUS = "corpus.json"
TOP_K = 500  # stored a seed; ranks 1 to 50 are used
Dtype = Literal["float16", "float32"]
Index = Literal["none", "flat", "ivf", "hnsw"]


@dataclass(frozen=True)
class EmbedSettings:
    """How a corpus is embedded."""

    encoder: Annotated[str, typer.Option(help="contriever, minilm, a folder or a hub id.")] = (
        "contriever"
    )
    dtype: Annotated[Dtype, typer.Option(help="Of the stored vectors.")] = "float16"
    shard_size: Annotated[int, typer.Option(help="Documents a file.", min=1)] = SHARD_DOCUMENTS
    max_length: Annotated[int, typer.Option(help="Tokens read.", min=8)] = 512


def embed(
    texts: Sequence[str],
    encoder: Encoder | str,
    max_length: int = 512,
    *,
    role: Role = "text",
    progress: str | None = None,
) -> np.ndarray:
    """Vectors of length 1, float32 [N, d]; of Contriever the mean of the last states.

    Parameters
    ----------
    encoder : loaded, or its name (`contriever`, `minilm`, a folder, a hub id).
    role : an encoder may have a prompt for queries and one for documents.
    """
    loaded = Encoder.load(encoder) if isinstance(encoder, str) else encoder
    return loaded.encode(texts, role=role, max_length=max_length, progress=progress)


def embed_corpus(
    corpus: Path,
    folder: Path,
    encoder: str,
    *,
    dtype: Dtype = "float16",
    shard_size: int = SHARD_DOCUMENTS,
    max_length: int = 512,
    place: Callable[[str], Path] | None = None,
) -> EmbeddingShards:
    """Embed a corpus a shard at a time; a killed run goes on with the first missing shard.

    `corpus.json` beside the embeddings says where the documents are.

    Parameters
    ----------
    place : from the name of a file in `folder` to its path, as `Journal.file` announces it.
    """
    place = place or folder.joinpath
    made = EmbeddingShards.build(
        folder,
        Encoder.load(encoder),
        ((document.id, document.text) for document in read_documents(corpus)),
        shard_size=shard_size,
        dtype=dtype,
        max_length=max_length,
        corpus_sha256=corpus_digest(corpus),
        place=place,
    )
    write_json(place(CORPUS), {"documents": str(corpus.resolve())})
    return made


def retrieve_dense(
    seeds: Sequence[Example],
    shards: EmbeddingShards,
    corpus: Path,
    top_k: int = TOP_K,
    *,
    index: Index = "none",
) -> list[Retrieved]:
    """The documents nearest to every seed, by exact search or by an index of faiss.

    Raises
    ------
    UserError : the corpus, or the encoder, is not the one that it was embedded with.
    """
    if shards.meta["corpus_sha256"] != corpus_digest(corpus):
        raise UserError(
            f"{corpus}: not the corpus that {shards.folder} was made of (its hash differs)",
            "embed it anew",
        )
    encoder = Encoder.load(shards.meta["encoder"])
    if encoder.identity != shards.meta.get("identity"):
        raise UserError(
            f"{encoder.name}: not the encoder that {shards.folder} was made with", "embed it anew"
        )
    texts = [seed.text for seed in seeds]
    queries = embed(texts, encoder, shards.meta["max_length"], role="query")
    if index == "none":
        scores, ids = search(queries, shards, top_k)
    else:
        scores, ids = kept_index(shards, index).search(queries, top_k)
    return _with_texts(seeds, scores, ids, corpus, "cosine")


def kept_index(shards: EmbeddingShards, kind: Kind) -> DenseIndex:
    """An index beside the embeddings, in `index-KIND`: built once, then memory-mapped."""
    folder = shards.folder / f"index-{kind}"
    stamp = folder / "of.json"
    if stamp.exists() and read_json(stamp) == shards.meta:
        return DenseIndex.load(folder)
    made = DenseIndex.build(shards, kind)
    stamp.unlink(missing_ok=True)
    made.save(folder)
    write_json(stamp, shards.meta)
    return made


def retrieve_bm25(seeds: Sequence[Example], corpus: Path, top_k: int = TOP_K) -> list[Retrieved]:
    """The documents that BM25 Okapi ranks highest; NLTK word tokens, no lower-casing."""
    documents = ((document.id, document.text) for document in read_documents(corpus))
    index = Bm25Index.build(documents, word_tokens)
    scores, ids = index.search([seed.text for seed in seeds], top_k)
    # What shares no word with the seed is no rank of its: it stands there by the corpus's order.
    ranked = ids.astype(object)
    ranked[~(scores > 0)] = None
    return _with_texts(seeds, scores, ranked, corpus, "bm25")


def retrieve_random(
    seeds: Sequence[Example], corpus: Path, top_k: int = TOP_K, *, seed: int = 42
) -> list[Retrieved]:
    """Documents drawn without replacement, each for one seed, as far as they go; score 0.

    Raises
    ------
    UserError : fewer documents than seeds.
    """
    ids = np.array([document.id for document in read_documents(corpus)], dtype=object)
    each = min(top_k, len(ids) // len(seeds))
    if not each:
        raise UserError(f"{corpus}: {len(ids)} documents for {len(seeds)} seeds")
    drawn = np.random.default_rng(seed).choice(ids, size=each * len(seeds), replace=False)
    table = drawn.reshape(len(seeds), each)
    return _with_texts(seeds, np.zeros(table.shape), table, corpus, "random")


def _with_texts(
    seeds: Sequence[Example], scores: np.ndarray, ids: np.ndarray, corpus: Path, metric: Metric
) -> list[Retrieved]:
    """Seeds with their documents, best first; where an id is None nothing was found."""
    texts = fetch_texts(corpus, {name for name in ids.ravel().tolist() if name is not None})
    rows = []
    for seed, of_seed, names in zip(seeds, scores, ids, strict=True):
        found = [
            (name, score) for name, score in zip(names, of_seed, strict=True) if name is not None
        ]
        results = [
            Result(rank=rank, doc_id=name, score=float(score), metric=metric, text=texts[name])
            for rank, (name, score) in enumerate(found, 1)
        ]
        known = {"seed_id": seed.id, "text": seed.text, "label": seed.label, "results": results}
        rows.append(Retrieved.model_validate(seed.unknown | known))
    return rows


def rescored(retrieved: Sequence[Retrieved], encoder: str) -> list[Retrieved]:
    """The same ranks with cosines as scores, so that the windows apply to BM25's results too."""
    loaded = Encoder.load(encoder)
    texts = {result.doc_id: result.text for row in retrieved for result in row.results}
    vectors = dict(zip(texts, embed(list(texts.values()), loaded), strict=True))
    queries = embed([row.text for row in retrieved], loaded)

    def scored(result: Result, query: np.ndarray) -> Result:
        cosine = float(query @ vectors[result.doc_id])
        return result.model_copy(update={"score": cosine, "metric": "cosine"})

    return [
        row.model_copy(update={"results": [scored(result, query) for result in row.results]})
        for row, query in zip(retrieved, queries, strict=True)
    ]
