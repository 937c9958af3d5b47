"""Comparing sets of heads: overlap, layers, correlation of score maps."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

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


@dataclass(frozen=True)
class Overlap:
    """How many heads two tasks share, with several seeds each.

    Parameters
    ----------
    tasks : both names.
    between : Jaccard of every seed's heads of one task with every seed's of the other.
    within : by task, Jaccard of every two of its own seeds.
    chance : about what two random sets share.
    """

    tasks: tuple[str, str]
    between: list[float]
    within: dict[str, list[float]]
    chance: float

    def sentence(self) -> str:
        """All of it in words."""
        own = "; ".join(f"two seeds of {task} {_range(all_)}" for task, all_ in self.within.items())
        first, second = self.tasks
        return (
            f"Jaccard of the heads of {first} and {second}: {_range(self.between)}"
            f"{f'; of {own}' if own else ''}; two random sets would have about {self.chance:.2f}."
        )


def overlap(sets: Mapping[str, Sequence[Sequence[tuple[int, int]]]], n: int) -> Overlap:
    """Overlap of the first two tasks.

    Parameters
    ----------
    sets : by task, the heads of every seed.
    n : heads of the model.
    """
    (first, ours), (second, theirs) = list(sets.items())[:2]
    pairs = {
        task: list(combinations(heads, 2)) for task, heads in ((first, ours), (second, theirs))
    }
    return Overlap(
        (first, second),
        [jaccard(a, b) for a, b in product(ours, theirs)],
        {task: [jaccard(a, b) for a, b in both] for task, both in pairs.items() if both},
        chance_jaccard(len(ours[0]), n),
    )


def _range(values: Sequence[float]) -> str:
    low, high = f"{min(values):.2f}", f"{max(values):.2f}"
    return low if low == high else f"{low} to {high}"
