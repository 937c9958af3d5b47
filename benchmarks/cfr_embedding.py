"""Encoding passages by token budget against Contriever's loop and sentence-transformers.

Contriever's own script encodes in file order, 512 texts at a time. Same model, float32, same texts;
prints padded tokens for each real one, seconds, the ratios and the largest difference of vectors.
The peers take minutes: with --peer-texts they encode the first texts only, their time for all is
estimated, and that is printed.

    python benchmarks/cfr_embedding.py [--texts 2000] [--peer-texts 1024] [--max-length 512]
        [--data FILE]
"""

import argparse
from pathlib import Path

import numpy as np
from cfr.retrieval.encoder import Encoder
from cfr.speed.clock import timed
from cfr.speed.encoding import bench_embed
from cfr.speed.settings import BenchSettings
from cfr.speed.texts import shuffled_texts
from sentence_transformers import SentenceTransformer
from tenpapers.models.embedded import embedded_path


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--texts", type=int, default=2000)
    parser.add_argument("--peer-texts", type=int)
    parser.add_argument("--max-length", type=int, default=512)
    parser.add_argument("--data", type=Path)
    chosen = parser.parse_args()
    texts = shuffled_texts(BenchSettings(texts=chosen.texts, data=chosen.data))
    encoder = Encoder.load("minilm", device="cpu")
    encoder.encode(texts[:8], chosen.max_length)  # what the first batch allocates is not its time
    found = bench_embed(texts, encoder, chosen.max_length, chosen.peer_texts)
    ours, count = found["seconds"], found["peer_texts"]
    print(
        f"{found['texts']} texts, {found['tokens']} tokens; ours: "
        f"{told(ours)}, {found['padding']['ours']:.2f} padded tokens for a real one; "
        f"in file order: {told(ours['peer'])} for {count} texts"
        f"{estimated(found['peer_for_all'], count, found['texts'])}, "
        f"{found['padding']['file order']:.2f}; "
        f"ratio {found['ratio']:.1f}x; largest difference {found['largest_difference']:.1e}"
    )
    other = SentenceTransformer(str(embedded_path("minilm")), device="cpu")
    other.max_seq_length = chosen.max_length
    some = texts[:count]
    theirs, seconds = timed(lambda: other.encode(some, batch_size=32, normalize_embeddings=True))
    lengths = [len(ids) for ids in encoder.tokens(texts, chosen.max_length)]
    share = sum(lengths) / sum(lengths[:count])
    for_all = {clock: share * value for clock, value in seconds.items()}
    differ = np.abs(encoder.encode(texts[:8], chosen.max_length) - theirs[:8]).max()
    print(
        f"sentence-transformers: {told(seconds)} for {count} texts"
        f"{estimated(for_all, count, len(texts))}; "
        f"ratio {for_all['processor'] / ours['processor']:.1f}x; largest difference {differ:.1e}"
    )


def estimated(for_all: dict[str, float], count: int, texts: int) -> str:
    """What all texts would have taken, where not all were encoded."""
    return "" if count == texts else f" (estimated for all: {told(for_all)})"


def told(seconds: dict[str, float]) -> str:
    """Seconds of wall and of processor time."""
    return f"{seconds['wall']:.1f} s ({seconds['processor']:.1f} s of processor)"


if __name__ == "__main__":
    main()
