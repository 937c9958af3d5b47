"""BM25 against rank_bm25, which every baseline of AVeriTeC uses, and against bm25s as it comes.

Same texts and words; prints seconds to build and to search, the ratios, and how many of the ten
best are the same (the peer weighs frequent words differently).

    python benchmarks/cfr_bm25.py [--texts 6119] [--queries 200] [--data FILE]
"""

import argparse
from pathlib import Path

import bm25s
from cfr.retrieval.bm25 import words
from cfr.speed.bench import bench_bm25
from cfr.speed.clock import timed
from cfr.speed.settings import BenchSettings
from cfr.speed.texts import shuffled_texts


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--texts", type=int, default=6119)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--data", type=Path)
    chosen = parser.parse_args()
    texts = shuffled_texts(BenchSettings(texts=chosen.texts, data=chosen.data))
    found = bench_bm25(texts, chosen.queries)
    seconds = found["seconds"]
    print(
        f"{found['texts']} texts, {found['queries']} queries: ours {seconds['wall']:.3f} s "
        f"({seconds['build']['wall']:.2f} s to build), rank_bm25 {seconds['peer']['wall']:.2f} s "
        f"({seconds['peer_build']['wall']:.2f} s); ratio {found['ratio']:.0f}x of processor time; "
        f"the same of the ten best {found['top_10_overlap']:.2f}"
    )
    asked = [words(" ".join(text.split()[:12])) for text in texts[: chosen.queries]]
    plain = bm25s.BM25(k1=1.5, b=0.75, method="lucene")
    _, built = timed(lambda: plain.index([words(text) for text in texts], show_progress=False))
    _, peer = timed(lambda: plain.retrieve(asked, k=10, show_progress=False))
    print(
        f"bm25s as it comes {peer['wall']:.3f} s ({built['wall']:.2f} s to build); "
        f"ratio {peer['processor'] / max(seconds['processor'], 1e-9):.1f}x"
    )


if __name__ == "__main__":
    main()
