"""From ranks to numbers: means over seeds, their spread, and intervals over claims."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..scoring.intervals import claim_of, interval

# Ranks by `qid`, one mapping for each seed of a training.
Runs = Sequence[Mapping[str, int]]
Cell = dict[str, Any]


def value(rank: int, metric: str) -> float:
    """What one query gives: 1 / rank for `mrr`, 1 or 0 for `hit@k`."""
    if metric == "mrr":
        return 1 / rank
    return float(rank <= int(metric.removeprefix("hit@")))


def measured(runs: Runs, metric: str, *, seed: int = 0) -> Cell:
    """Mean of a metric over seeds and queries, with its interval over claims.

    Returns
    -------
    `mean`, `low` and `high` of the 95 % interval (None for fewer than two claims), `seeds` the mean
    of each, `n` queries.
    """
    values = _over_seeds(runs, metric)
    return _cell(values, seed) | {"seeds": [_mean(_values(run, metric)) for run in runs]}


def difference(ours: Runs, theirs: Runs, metric: str, *, seed: int = 0) -> Cell:
    """Mean difference on the same queries, with its interval over claims."""
    a, b = _over_seeds(ours, metric), _over_seeds(theirs, metric)
    return _cell({qid: a[qid] - b[qid] for qid in a if qid in b}, seed)


def curve(runs: Runs, most: int = 20) -> list[float]:
    """hit@k for k = 1 to `most`, the mean over seeds."""
    return [_mean(list(_over_seeds(runs, f"hit@{k}").values())) or 0.0 for k in range(1, most + 1)]


def _values(run: Mapping[str, int], metric: str) -> list[float]:
    return [value(rank, metric) for rank in run.values()]


def _over_seeds(runs: Runs, metric: str) -> dict[str, float]:
    return {
        qid: sum(value(run[qid], metric) for run in runs) / len(runs)
        for qid in (runs[0] if runs else ())
    }


def _cell(values: Mapping[str, float], seed: int) -> Cell:
    ends = interval(list(values.values()), [claim_of(qid) for qid in values], seed=seed)
    low, high = (None if math.isnan(end) else end for end in ends)
    return {"mean": _mean(list(values.values())), "low": low, "high": high, "n": len(values)}


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
