"""Numbers of the controlled experiment and of detection, with intervals over documents."""

from collections.abc import Hashable, Mapping, Sequence
from typing import TypedDict

import numpy as np

from ..scoring.deltas import interval


class Cell(TypedDict):
    """A mean with the ends of its interval; None where there are fewer than two documents."""

    mean: float
    low: float | None
    high: float | None
    n: int


def measured(values: Sequence[float], units: Sequence[Hashable], *, draws: int, seed: int) -> Cell:
    """Mean and interval; whole documents are drawn."""
    low, high = interval(values, units, draws=draws, seed=seed)
    return Cell(mean=float(np.mean(values)), low=low, high=high, n=len(values))


def balances(restored: Sequence[bool], intact: Sequence[bool]) -> list[float]:
    """Of each pair the mean of both: damage that was mended, and none that was done."""
    return [(a + b) / 2 for a, b in zip(restored, intact, strict=True)]


def auc(positive: Sequence[float], negative: Sequence[float]) -> float | None:
    """Chance that a positive has the higher score than a negative; a tie counts half.

    None where one of them is empty.
    """
    if not len(positive) or not len(negative):
        return None
    from scipy.stats import rankdata

    ranks = rankdata([*positive, *negative])[: len(positive)]
    wins = ranks.sum() - len(positive) * (len(positive) + 1) / 2
    return float(wins / (len(positive) * len(negative)))


def auc_interval(
    scores: Sequence[float],
    positive: Sequence[bool],
    units: Sequence[Hashable],
    *,
    draws: int,
    seed: int,
) -> tuple[float | None, float | None]:
    """Percentile bootstrap of the area in which whole documents are drawn.

    A draw without one of the two classes is left out; None with fewer than two documents.
    """
    places: dict[Hashable, list[int]] = {}
    for place, unit in enumerate(units):
        places.setdefault(unit, []).append(place)
    if len(places) < 2:
        return None, None
    groups = [np.array(found) for found in places.values()]
    values, is_positive = np.asarray(scores, dtype=float), np.asarray(positive, dtype=bool)
    random, areas = np.random.default_rng(seed), []
    for _ in range(draws):
        drawn = random.integers(len(groups), size=len(groups))
        taken = np.concatenate([groups[number] for number in drawn])
        own, marked = values[taken], is_positive[taken]
        area = auc(own[marked].tolist(), own[~marked].tolist())
        if area is not None:
            areas.append(area)
    if not areas:
        return None, None
    low, high = np.quantile(areas, [0.025, 0.975])
    return float(low), float(high)


def paired_detection(
    clean: Sequence[float], damaged: Sequence[float], threshold: float
) -> Mapping[str, float | None]:
    """How well probabilities of support tell sentences from their damaged twins.

    Parameters
    ----------
    threshold : a sentence is flagged unless its probability is above.
    """
    flagged = float(np.mean([p <= threshold for p in damaged]))
    alarms = float(np.mean([p <= threshold for p in clean]))
    wins = [(a > b) + 0.5 * (a == b) for a, b in zip(clean, damaged, strict=True)]
    return {
        "auc": auc(clean, damaged),
        "balanced_accuracy": (flagged + 1 - alarms) / 2,
        "paired_accuracy": float(np.mean(wins)),
        "flagged_damaged": flagged,
        "flagged_clean": alarms,
    }


def over_seeds(cells: Sequence[Cell]) -> dict[str, object]:
    """Mean over seeds, with each seed's own value and interval."""
    return {
        "mean": float(np.mean([cell["mean"] for cell in cells])),
        "seeds": [cell["mean"] for cell in cells],
        "low": [cell["low"] for cell in cells],
        "high": [cell["high"] for cell in cells],
        "n": cells[0]["n"],
    }
