"""Exact search over shards against faiss' flat index, and BM25 against rank-bm25.

Same arrays, same tokens; prints seconds, the ratio and the largest difference of scores.

    python benchmarks/embedding_search.py [--documents 200000] [--queries 200] [--texts 20000]
        [--corpus 1000000]
"""

import argparse
import multiprocessing
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rank_bm25 import BM25Okapi
from synthesizrr.sourcing.okapi import Bm25Index
from tenpapers.embedding import DenseIndex, search
from timing import clock

K = 100
WIDTH = 384


def dense(documents: int, queries: int) -> None:
    """Build and search: an index has to be built first, the stream does not."""
    draw = np.random.default_rng(0)
    vectors = draw.standard_normal((documents, WIDTH), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    asked = vectors[:queries] + 0.1 * draw.standard_normal((queries, WIDTH), dtype=np.float32)
    ids = [str(i) for i in range(documents)]
    size = max(1, documents // 10)
    shards = [(ids[i : i + size], vectors[i : i + size]) for i in range(0, documents, size)]
    (mine, names), ours = clock(lambda: search(asked, shards, K, metric="dot"))
    index, built = clock(lambda: DenseIndex.build(shards, "flat"))
    (theirs, other), peer = clock(lambda: index.search(asked, K))
    print(
        f"{documents} vectors of {WIDTH}, {queries} queries, top {K}: ours {ours:.2f} s; faiss "
        f"flat {peer:.2f} s and {built:.2f} s to build; ratio {(peer + built) / ours:.1f}x with, "
        f"{peer / ours:.1f}x without building; same ids {(names == other).mean():.4f}, largest "
        f"difference {np.abs(mine - theirs).max():.1e}"
    )


def bm25(texts: int, queries: int) -> None:
    """Documents of 60 words from a vocabulary with Zipf's frequencies."""
    draw = random.Random(0)
    vocabulary = [f"w{i}" for i in range(20_000)]
    weights = [1 / (i + 1) for i in range(len(vocabulary))]
    documents = [" ".join(draw.choices(vocabulary, weights, k=60)) for _ in range(texts)]
    asked = [" ".join(draw.choices(vocabulary, weights, k=20)) for _ in range(queries)]
    named = [(str(number), text) for number, text in enumerate(documents)]
    index, built = clock(lambda: Bm25Index.build(named, str.split))
    peer, peer_built = clock(lambda: BM25Okapi([text.split() for text in documents]))
    mine, ours = clock(lambda: [index.scores(query) for query in asked])
    theirs, seconds = clock(lambda: [peer.get_scores(query.split()) for query in asked])
    differ = max(np.abs(a - b).max() for a, b in zip(mine, theirs, strict=True))
    print(
        f"{texts} texts, {queries} queries: ours {ours:.2f} s ({built:.1f} s to build), rank-bm25 "
        f"{seconds:.2f} s ({peer_built:.1f} s); ratio {seconds / ours:.0f}x; largest difference "
        f"{differ:.1e}"
    )


def memory(documents: int, queries: int) -> None:
    """A corpus on disk, float16 shards by memory map: seconds, and what the search adds to RSS.

    A process of its own is measured; pages of the mapped files count as long as they are in use.
    """
    size = 50_000
    with tempfile.TemporaryDirectory() as folder:
        draw = np.random.default_rng(0)
        for number, start in enumerate(range(0, documents, size)):
            block = draw.standard_normal((min(size, documents - start), WIDTH), dtype=np.float32)
            block /= np.linalg.norm(block, axis=1, keepdims=True)
            np.save(Path(folder) / f"emb-{number:05d}.npy", block.astype(np.float16))
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            seconds, grown = pool.apply(_search_files, (folder, queries))
    whole = documents * WIDTH * 4 / 2**20
    print(
        f"{documents} float16 vectors of {WIDTH} on disk, {queries} queries: {seconds:.1f} s, peak "
        f"+{grown:.0f} MiB; a flat float32 index of them holds {whole:.0f} MiB"
    )


def _search_files(folder: str, queries: int) -> tuple[float, float]:
    def shards() -> Iterator[tuple[list[str], np.ndarray]]:
        for file in sorted(Path(folder).glob("emb-*.npy")):
            vectors = np.load(file, mmap_mode="r")
            yield [f"{file.stem}-{row}" for row in range(len(vectors))], vectors

    asked = np.random.default_rng(1).standard_normal((queries, WIDTH), dtype=np.float32)
    search(asked, [(["x"], asked[:1])], 1)  # what the first product allocates is not the search's
    before = _peak()
    _, seconds = clock(lambda: search(asked, shards(), K, metric="dot"))
    return seconds, _peak() - before


def _peak() -> float:
    """Highest resident size of this process so far, MiB (Linux; ru_maxrss has the parent's)."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def main() -> None:
    """The comparisons, and a large corpus alone."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--documents", type=int, default=200_000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--texts", type=int, default=20_000)
    parser.add_argument("--corpus", type=int, default=1_000_000)
    options = parser.parse_args()
    dense(options.documents, options.queries)
    bm25(options.texts, min(50, options.queries))
    memory(options.corpus, options.queries)


if __name__ == "__main__":
    main()
