"""The mask of false negatives of a batch: one vectorised comparison against nested loops.

A batch of 1,024 rows with four hard negatives each has 5,120 columns of 4,000 documents; every
query has three known positives. Both masks must be equal; times are of the processor, the best of
five.

    python benchmarks/cfr_mask.py [--rows 1024] [--negatives 4]
"""

import argparse

import numpy as np
from cfr.contrast.masks import false_negatives
from cfr.speed.clock import timed


def by_loops(columns: np.ndarray, target: np.ndarray, positives: list[np.ndarray]) -> np.ndarray:
    """Look at every row and column."""
    mask = np.zeros((len(target), len(columns)), dtype=bool)
    for row, own in enumerate(target):
        known = set(positives[row].tolist())
        for column, document in enumerate(columns.tolist()):
            mask[row, column] = column != own and document in known
    return mask


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1024)
    parser.add_argument("--negatives", type=int, default=4)
    chosen = parser.parse_args()
    rng = np.random.default_rng(0)
    columns = rng.integers(0, 4000, chosen.rows * (1 + chosen.negatives))
    target = np.arange(chosen.rows)
    positives = [np.array([columns[row], *rng.integers(0, 4000, 2)]) for row in target]
    runs = [timed(lambda: false_negatives(columns, target, positives)) for _ in range(5)]
    ours = min(seconds["processor"] for _, seconds in runs)
    loops, peer = timed(lambda: by_loops(columns, target, positives))
    assert np.array_equal(runs[0][0], loops)
    print(
        f"{chosen.rows} rows, {len(columns)} columns: ours {1000 * ours:.1f} ms, "
        f"nested loops {1000 * peer['processor']:.0f} ms; ratio {peer['processor'] / ours:.0f}x"
    )


if __name__ == "__main__":
    main()
