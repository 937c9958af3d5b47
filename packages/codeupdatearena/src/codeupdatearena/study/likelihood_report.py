"""Table, effects and figure of the likelihoods, and what they say in words."""

from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any, Literal, NamedTuple

import numpy as np
from tenpapers.report import Picture, Table, Value, bars

from .likelihood_part import ARMS, Likelihood, complete_at, seeds_at

TITLES = {
    "base": "base",
    "prepend": "prepend",
    "ft-u": "FT(U)",
    "ft-ps": "FT(PS)",
    "random-ft-ps": "random-FT(PS)",
}
# The orders that the report tells: the first arm should have the lower NLL.
EXPECTED = (("ft-ps", "ft-u"), ("ft-ps", "random-ft-ps"), ("prepend", "base"))
BOOTSTRAP_ROUNDS = 2000
# Differences of n updates have one sign by chance with probability 2 ** (1 - n): six are the first
# of which that says something at 95%, whatever the width of a bootstrap over fewer.
FEWEST_UPDATES = 6
Kind = Literal["per_token", "call_tokens"]


def _values(
    measured: Sequence[Likelihood],
    rate: float,
    arm: str,
    kind: Kind,
    seed: int | None = None,
) -> dict[str, float]:
    """NLL of an arm by example, those without such tokens left out.

    Parameters
    ----------
    seed : of the edits; None takes the mean over the seeds.
    """
    values: dict[str, float] = {}
    for name in complete_at(measured, rate):
        given = [
            getattr(found, kind)
            for found in measured
            if (found.prog_syn_id, found.arm) == (name, arm)
            and (found.learning_rate == 0 or found.learning_rate == rate)
            and (seed is None or found.seed in (0, seed))
        ]
        if known := [value for value in given if value is not None]:
            values[name] = mean(known)
    return values


def mean_interval(values: Sequence[float], seed: int) -> tuple[float, float] | None:
    """95% bootstrap interval of a mean; None for fewer than two values."""
    from scipy.stats import bootstrap

    if len(values) < 2:
        return None
    found = bootstrap(
        (values,),
        np.mean,
        n_resamples=BOOTSTRAP_ROUNDS,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(found.low), float(found.high)


def likelihood_table(measured: Sequence[Likelihood], rates: Sequence[float]) -> Table:
    """Mean NLL of every arm at every learning rate."""
    kinds: tuple[tuple[Kind, str], ...] = (
        ("per_token", "per token"),
        ("call_tokens", "call tokens"),
    )
    columns = ["arm"]
    for rate in rates:
        columns += [f"lr {rate:g}: {title}" for _, title in kinds]
        columns += [f"lr {rate:g}: spread over seeds"]
    rows: list[list[Value]] = []
    for arm in ARMS:
        row: list[Value] = [TITLES[arm]]
        for rate in rates:
            for kind, _ in kinds:
                row.append(_mean(_values(measured, rate, arm, kind)))
            row.append(_spread(measured, rate, arm))
        rows.append(row)
    counts = ", ".join(f"n = {len(complete_at(measured, rate))} at lr {rate:g}" for rate in rates)
    types = ", ".join(sorted({found.update_type for found in measured}))
    seeds = ", ".join(map(str, sorted({found.seed for found in measured if found.seed})))
    note = (
        f"Mean negative log-likelihood of the reference solution in nats a token ({counts} "
        f"updates; types: {types}; seeds: {seeds}). Spread: of the call tokens, between the means "
        "of the seeds. The paper does not report this; it is a proxy."
    )
    return Table("Likelihood of the references", columns, rows, note)


def _mean(values: dict[str, float]) -> float | None:
    return mean(values.values()) if values else None


def _spread(measured: Sequence[Likelihood], rate: float, arm: str) -> float | None:
    """Largest minus smallest mean of the call tokens over seeds; None where none is trained."""
    if "ft-" not in arm:
        return None
    found = [
        _mean(_values(measured, rate, arm, "call_tokens", seed))
        for seed in seeds_at(measured, rate)
    ]
    known = [value for value in found if value is not None]
    return max(known) - min(known) if known else None


class Effect(NamedTuple):
    """Mean difference of call-token NLL between two arms (nats), with its 95% interval.

    `low` and `high` are None where one update alone was measured; `by_seed` has difference, low
    and high of each seed alone.
    """

    smaller: str
    larger: str
    difference: float
    low: float | None
    high: float | None
    n: int
    by_seed: tuple[tuple[float, float | None, float | None], ...] = ()

    @property
    def decides(self) -> bool:
        """Whether there are updates enough for a verdict."""
        return self.n >= FEWEST_UPDATES

    @property
    def lows(self) -> list[float]:
        """Lower ends of all intervals: over the seeds' mean, and of each seed alone."""
        found = [self.low, *(low for _, low, _ in self.by_seed)]
        return [low for low in found if low is not None]

    @property
    def highs(self) -> list[float]:
        """Upper ends of all intervals."""
        found = [self.high, *(high for _, _, high in self.by_seed)]
        return [high for high in found if high is not None]

    @property
    def below(self) -> bool:
        """Whether the first arm is below the second, by every seed."""
        return self.decides and bool(self.lows) and min(self.lows) > 0

    @property
    def never_below(self) -> bool:
        """Whether no seed says so."""
        return max(self.lows, default=0.0) <= 0

    @property
    def verdict(self) -> str:
        """Say in words which arm is below the other; what one seed alone says does not count."""
        below, above = TITLES[self.smaller], TITLES[self.larger]
        if self.below:
            return f"{below} is below {above}"
        if self.decides and self.highs and max(self.highs) < 0:
            return f"{below} is ABOVE {above}"
        return f"{below} cannot be told from {above}"

    @property
    def numbers(self) -> str:
        """Write difference, interval, number of updates and the difference by each seed."""
        interval = ""
        if self.low is not None and self.high is not None:
            interval = f", 95% interval {self.low:+.2f} to {self.high:+.2f}"
        seeds = ", ".join(f"{difference:+.2f}" for difference, _, _ in self.by_seed)
        told = f"; by seed {seeds}" if len(self.by_seed) > 1 else ""
        return f"difference {self.difference:+.2f} nats{interval}, n = {self.n}{told}"


def effect(
    measured: Sequence[Likelihood], rate: float, smaller: str, larger: str, *, seed: int
) -> Effect | None:
    """How much lower the first arm's call-token NLL is, bootstrapped over updates.

    Returns
    -------
    None where no update was measured with both arms.
    """

    def gaps(of: int | None) -> list[float]:
        low, high = (_values(measured, rate, arm, "call_tokens", of) for arm in (smaller, larger))
        return [high[name] - low[name] for name in high if name in low]

    def told(of: int | None) -> tuple[float, float | None, float | None]:
        values = gaps(of)
        return mean(values), *(mean_interval(values, seed) or (None, None))

    count = len(gaps(None))
    if not count:
        return None
    by_seed = tuple(told(one) for one in seeds_at(measured, rate))
    trained = any("ft-" in arm for arm in (smaller, larger))
    return Effect(smaller, larger, *told(None), count, by_seed if trained else ())


def effects(measured: Sequence[Likelihood], rate: float, seed: int) -> list[Effect]:
    """How much lower FT(PS) is than FT(U) and than random-FT(PS), and prepend than base."""
    found = (effect(measured, rate, *pair, seed=seed) for pair in EXPECTED)
    return [gap for gap in found if gap is not None]


def sentence(found: Sequence[Effect], rate: float) -> str:
    """Say in words which of the expected orders showed."""
    parts = "; ".join(f"{gap.verdict} ({gap.numbers})" for gap in found)
    few = f" Fewer than {FEWEST_UPDATES} updates decide nothing: these are tendencies."
    told = "" if all(gap.decides for gap in found) else few
    return f"Call-token NLL at learning rate {rate:g}: {parts}.{told}"


def likelihood_figure(
    measured: Sequence[Likelihood], rates: Sequence[float], path: Path
) -> Picture:
    """Call-token NLL by arm, one colour a learning rate."""
    series, intervals = {}, {}
    for rate in rates:
        values = [list(_values(measured, rate, arm, "call_tokens").values()) for arm in ARMS]
        label = f"learning rate {rate:g} (n = {len(complete_at(measured, rate))})"
        series[label] = [mean(found) if found else None for found in values]
        intervals[label] = [mean_interval(found, 0) for found in values]
    return bars(
        path,
        [TITLES[arm] for arm in ARMS],
        series,
        intervals=intervals,
        ylabel="NLL of the calls of the updated function (nats a token)",
        title="Likelihood of calls of the updated function in the references",
    )


def as_results(measured: Sequence[Likelihood], found: Sequence[Effect]) -> dict[str, Any]:
    """What `results.json` keeps of this part."""
    return {
        "measurements": [row.model_dump() for row in measured],
        "effects": [gap._asdict() for gap in found],
    }
