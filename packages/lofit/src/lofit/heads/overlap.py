"""Comparing sets of heads: overlap, layers, correlation of score maps."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

import numpy as np


def jaccard(first: Sequence[tuple[int, int]], second: Sequence[tuple[int, int]]) -> float:
    """Share of common heads; two empty sets are equal (1)."""
    a, b = set(map(tuple, first)), set(map(tuple, second))
    return len(a & b) / len(a | b) if a | b else 1.0


def chance_jaccard(k: int, n: int) -> float:
    """About what two random sets of `k` of `n` heads share: k / (2 n - k)."""
    return k / (2 * n - k)


def layer_histogram(heads: Sequence[tuple[int, int]], n_layers: int) -> list[float]:
    """Share of the chosen heads in each layer."""
    counts = Counter(layer for layer, _ in heads)
    return [counts[layer] / len(heads) if heads else 0.0 for layer in range(n_layers)]


def spearman(first: np.ndarray, second: np.ndarray) -> float:
    """Rank correlation of two score maps."""
    from scipy.stats import spearmanr

    return float(spearmanr(first.ravel(), second.ravel()).statistic)


def stability(sets: Sequence[Sequence[tuple[int, int]]]) -> float:
    """Mean Jaccard over all pairs of sets (seeds); 1 for a single one."""
    found = [jaccard(a, b) for a, b in combinations(sets, 2)]
    return sum(found) / len(found) if found else 1.0
