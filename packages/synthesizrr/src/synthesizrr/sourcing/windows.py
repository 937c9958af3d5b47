"""Which ranks and which cosines become demonstrations and inputs, and how a user writes them."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from tenpapers.errors import UserError

from ..records import Retrieved

Window = tuple[float, float]


class Cosines(NamedTuple):
    """A closed window of cosines."""

    low: float
    high: float


class TokenCounts(NamedTuple):
    """How many tokens a context has at least and at most."""

    least: int
    most: int


# The paper's, for Contriever.
ICL_RANKS = (1, 2)
RANKS = tuple(range(1, 51))
ICL_RANGE = Cosines(0.5, 0.9)
RANGE = Cosines(0.4, 0.9)
CONTEXT_TOKENS = TokenCounts(20, 400)


def read_cosines(value: str | Iterable[float]) -> Cosines:
    """A window as `0.4,0.9` or as two numbers, the lower first.

    Raises
    ------
    UserError : anything else.
    """
    return Cosines(*_two_numbers(value, "0.4,0.9"))


def read_token_counts(value: str | Iterable[float]) -> TokenCounts:
    """Least and most tokens as `20,400` or as two numbers.

    Raises
    ------
    UserError : anything else.
    """
    least, most = _two_numbers(value, "20,400")
    return TokenCounts(int(least), int(most))


def read_ranks(value: str | Iterable[int]) -> tuple[int, ...]:
    """Ranks as `1,2` or `3-50`, or as numbers; sorted.

    Raises
    ------
    UserError : anything else.
    """
    ranks: set[int] = set()
    try:
        for part in value.split(",") if isinstance(value, str) else map(str, value):
            first, _, last = part.partition("-")
            ranks |= set(range(int(first), int(last or first) + 1))
    except ValueError:
        raise UserError(f"{value}: not ranks", "e.g. 1,2 or 3-50") from None
    if not ranks or min(ranks) < 1:
        raise UserError(f"{value}: ranks begin at 1")
    return tuple(sorted(ranks))


def _two_numbers(value: str | Iterable[float], example: str) -> tuple[float, float]:
    try:
        parts = value.split(",") if isinstance(value, str) else list(value)
        low, high = (float(part) for part in parts)
    except (ValueError, TypeError):
        raise UserError(f"{value}: not two numbers", f"e.g. {example}") from None
    if low > high:
        raise UserError(f"{value}: the first is the lower one", f"e.g. {example}")
    return low, high


def windows_of(
    retrieved: Sequence[Retrieved],
    quantiles: Window | None,
    icl_ranks: Sequence[int],
    ranks: Sequence[int],
    *,
    icl_range: Window = ICL_RANGE,
    range_: Window = RANGE,
    seed: int = 42,
) -> tuple[Window, Window]:
    """Windows of demonstrations and inputs: as given, or from quantiles of each one's scores.

    The upper bound of the given windows stays: what is more alike is a copy of the seed, however
    many copies there are.
    """
    if quantiles is None:
        return icl_range, range_
    low, high = quantiles
    return (
        quantile_window(retrieved, low, high, ranks=icl_ranks, ceiling=icl_range[1], seed=seed),
        quantile_window(retrieved, low, high, ranks=ranks, ceiling=range_[1], seed=seed),
    )


def quantile_window(
    retrieved: Sequence[Retrieved],
    low: float,
    high: float,
    *,
    ranks: Iterable[int],
    ceiling: float = 1.0,
    seeds: int = 200,
    seed: int = 42,
) -> tuple[float, float]:
    """A similarity window from the scores themselves, for encoders the paper's does not fit.

    Parameters
    ----------
    low, high : quantiles of the scores at `ranks`, over a sample of seeds.
    ceiling : scores above it, those of copies, neither count nor are let in.

    Raises
    ------
    UserError : quantiles outside 0..1, or no score.
    """
    if not 0 <= low < high <= 1:
        raise UserError(f"--window-quantile {low},{high}: two numbers between 0 and 1, rising")
    rng = np.random.default_rng(seed)
    size = min(seeds, len(retrieved))
    chosen = rng.choice(len(retrieved), size=size, replace=False)
    wanted = set(ranks)
    scores = [
        result.score
        for index in chosen.tolist()
        for result in retrieved[index].results
        if result.rank in wanted
    ]
    if not scores:
        raise UserError("--window-quantile: no result at the ranks that are used")
    others = [score for score in scores if score <= ceiling]
    if not others:
        return ceiling, ceiling
    bottom, top = np.quantile(others, [low, high])
    return float(bottom), float(top)
