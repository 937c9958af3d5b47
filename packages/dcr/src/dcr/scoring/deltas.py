"""What a refinement gained, with its interval: texts of one document are drawn together."""

from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

DRAWS = 1000
LEVEL = 0.95


@dataclass(frozen=True)
class Delta:
    """Mean of a metric before and after, and of the difference.

    Parameters
    ----------
    n : pairs of which both values are known.
    original, refined, delta : None where there are none.
    low, high : ends of the difference's 95% interval; None with fewer than two documents.
    """

    n: int
    original: float | None
    refined: float | None
    delta: float | None
    low: float | None
    high: float | None

    def row(self) -> dict[str, float | None]:
        """As JSON values."""
        return asdict(self)


def paired_delta(
    original: Sequence[float | None],
    refined: Sequence[float | None],
    *,
    units: Sequence[Hashable] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Delta:
    """Mean of refined less original, with a paired bootstrap interval.

    Parameters
    ----------
    original, refined : of the same texts; a pair with a None is left out.
    units : what each pair was sampled with, such as its document; whole units are drawn. None: each
        pair for itself.
    """
    own = units if units is not None else range(len(original))
    known = [
        (before, after, unit)
        for before, after, unit in zip(original, refined, own, strict=True)
        if before is not None and after is not None
    ]
    if not known:
        return Delta(0, None, None, None, None, None)
    before, after, drawn = zip(*known, strict=True)
    gains = np.subtract(after, before)
    low, high = interval(gains.tolist(), drawn, draws=draws, seed=seed)
    return Delta(
        len(known), float(np.mean(before)), float(np.mean(after)), float(gains.mean()), low, high
    )


def interval(
    values: Sequence[float],
    units: Sequence[Hashable],
    *,
    draws: int = DRAWS,
    level: float = LEVEL,
    seed: int = 0,
) -> tuple[float | None, float | None]:
    """Percentile bootstrap of a mean in which whole units are drawn; None with fewer than two."""
    number = {unit: place for place, unit in enumerate(dict.fromkeys(units))}
    if len(number) < 2:
        return None, None
    of_value = np.array([number[unit] for unit in units])
    sums = np.bincount(of_value, weights=np.asarray(values, dtype=float), minlength=len(number))
    counts = np.bincount(of_value, minlength=len(number))
    drawn = np.random.default_rng(seed).integers(len(number), size=(draws, len(number)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
