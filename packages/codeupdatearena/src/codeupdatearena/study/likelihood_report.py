"""Table, effects and figure of the likelihoods, and what they say in words."""

from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any, Literal, NamedTuple

import numpy as np
from tenpapers.report import Picture, Table, Value, bars

from .likelihood_part import ARMS, Likelihood, complete_at

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
Kind = Literal["per_token", "call_tokens"]


def _values(
    measured: Sequence[Likelihood], rate: float, arm: str, names: Sequence[str], kind: Kind
) -> list[float]:
    """NLL of an arm on the named examples, those without such tokens left out."""
    by_key = {found.key: found for found in measured}
    rows = (by_key[name, arm, rate if "ft-" in arm else 0.0] for name in names)
    values = (getattr(row, kind) for row in rows)
    return [float(value) for value in values if value is not None]


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
    columns = ["arm", *(f"lr {rate:g}: {title}" for rate in rates for _, title in kinds)]
    rows: list[list[Value]] = []
    for arm in ARMS:
        row: list[Value] = [TITLES[arm]]
        for rate in rates:
            names = complete_at(measured, rate)
            for kind, _ in kinds:
                values = _values(measured, rate, arm, names, kind)
                row.append(mean(values) if values else None)
        rows.append(row)
    counts = ", ".join(f"n = {len(complete_at(measured, rate))} at lr {rate:g}" for rate in rates)
    types = ", ".join(sorted({found.update_type for found in measured}))
    note = (
        f"Mean negative log-likelihood of the reference solution in nats a token ({counts} "
        f"updates; types: {types}). The paper does not report this; it is a proxy."
    )
    return Table("Likelihood of the references", columns, rows, note)


class Effect(NamedTuple):
    """Mean difference of call-token NLL between two arms (nats), with its 95% interval.

    `low` and `high` are None where one update alone was measured.
    """

    smaller: str
    larger: str
    difference: float
    low: float | None
    high: float | None
    n: int

    @property
    def verdict(self) -> str:
        """Say in words which arm is below the other."""
        below, above = TITLES[self.smaller], TITLES[self.larger]
        if self.low is not None and self.low > 0:
            return f"{below} is below {above}"
        if self.high is not None and self.high < 0:
            return f"{below} is ABOVE {above}"
        return f"{below} cannot be told from {above}"

    @property
    def numbers(self) -> str:
        """Write difference, interval and number of updates."""
        if self.low is None or self.high is None:
            return f"difference {self.difference:+.2f} nats, n = {self.n}"
        return (
            f"difference {self.difference:+.2f} nats, 95% interval "
            f"{self.low:+.2f} to {self.high:+.2f}, n = {self.n}"
        )


def effect(
    measured: Sequence[Likelihood], rate: float, smaller: str, larger: str, *, seed: int
) -> Effect | None:
    """How much lower the first arm's call-token NLL is, bootstrapped over updates.

    Returns
    -------
    None where no update was measured with both arms.
    """
    names = complete_at(measured, rate)
    low = _values(measured, rate, smaller, names, "call_tokens")
    high = _values(measured, rate, larger, names, "call_tokens")
    gaps = [above - below for above, below in zip(high, low, strict=True)]
    if not gaps:
        return None
    left, right = mean_interval(gaps, seed) or (None, None)
    return Effect(smaller, larger, mean(gaps), left, right, len(gaps))


def effects(measured: Sequence[Likelihood], rate: float, seed: int) -> list[Effect]:
    """How much lower FT(PS) is than FT(U) and than random-FT(PS), and prepend than base."""
    found = (effect(measured, rate, *pair, seed=seed) for pair in EXPECTED)
    return [gap for gap in found if gap is not None]


def sentence(found: Sequence[Effect], rate: float) -> str:
    """Say in words which of the expected orders showed."""
    parts = "; ".join(f"{gap.verdict} ({gap.numbers})" for gap in found)
    rough = " With so few updates the intervals are rough." if any(e.n < 10 for e in found) else ""
    return f"Call-token NLL at learning rate {rate:g}: {parts}.{rough}"


def likelihood_figure(
    measured: Sequence[Likelihood], rates: Sequence[float], path: Path
) -> Picture:
    """Call-token NLL by arm, one colour a learning rate."""
    series, intervals = {}, {}
    for rate in rates:
        names = complete_at(measured, rate)
        values = [_values(measured, rate, arm, names, "call_tokens") for arm in ARMS]
        label = f"learning rate {rate:g} (n = {len(names)})"
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
