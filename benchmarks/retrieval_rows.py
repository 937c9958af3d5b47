"""Scoring heads alone, and on a needle grid three ways; same as `retrievalheads bench`.

Peers: every attention map kept (eager), and Wu et al.'s decoding steps; equal hits or no timing.

    python benchmarks/retrieval_rows.py [--lengths 256,512,1024] [--depths 10] [--threads 2,1]
"""

import argparse

from retrievalheads.speed.compare import run_bench


def numbers(text: str) -> list[int]:
    """Whole numbers with commas between them."""
    return [int(part) for part in text.split(",")]


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--lengths", type=numbers, default=[256, 512, 1024])
    parser.add_argument("--depths", type=int, default=10)
    parser.add_argument("--needles", type=int, default=3)
    parser.add_argument("--memory-tokens", type=int, default=4096)
    parser.add_argument("--threads", type=numbers, default=[2, 1])
    chosen = parser.parse_args()
    found = run_bench(
        chosen.model,
        chosen.lengths,
        chosen.depths,
        chosen.needles,
        chosen.memory_tokens,
        threads=chosen.threads,
    )
    print(found.text)


if __name__ == "__main__":
    main()
