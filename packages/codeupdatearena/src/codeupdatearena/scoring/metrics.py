"""pass@k, UPass@k and the diagnostics (section 5)."""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from tenpapers.errors import UserError

from ..records import Report

BOOTSTRAP_ROUNDS = 1000
DEFAULT_KS = (1, 2, 5)


def pass_at_k(n: int, c: int, k: int) -> float:
    """Unbiased chance that one of k samples is correct: 1 - C(n-c, k) / C(n, k).

    Parameters
    ----------
    n : samples; c : correct ones; k : samples one may hand in.

    Returns
    -------
    Probability in 0..1; NaN for k > n (the official code returns 1 there).
    """
    if k > n:
        return math.nan
    if n - c < k:
        return 1.0
    return 1.0 - math.prod(1.0 - k / i for i in range(n - c + 1, n + 1))


def correct(report: Report, criterion: str) -> bool | None:
    """Whether a sample uses the update, by one criterion; None where that cannot be decided."""
    if criterion == "official":
        return report.exclusive
    if criterion == "strict":
        return report.strict if report.all_pass_with else False
    return bool(report.called_update) if report.all_pass_with else False


def check_ks(ks: Sequence[int], n: int) -> None:
    """Refuse a k that the number of samples cannot serve.

    Raises
    ------
    UserError : k > n or k < 1.
    """
    for k in ks:
        if k < 1 or k > n:
            raise UserError(f"pass@{k} needs at least {k} samples an instance, there are {n}")


def _percent(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return round(100 * sum(known) / len(known), 4) if known else math.nan


def _update_of(prog_syn_id: str) -> str:
    return prog_syn_id.rpartition(":")[0]


def bootstrap_interval(values: dict[str, float], *, seed: int = 42) -> tuple[float, float]:
    """95% interval of the mean in percent, resampling updates (their instances go together)."""
    groups: dict[str, list[float]] = defaultdict(list)
    for name, value in values.items():
        groups[_update_of(name)].append(value)
    sums = np.array([sum(group) for group in groups.values()])
    sizes = np.array([len(group) for group in groups.values()])
    drawn = np.random.default_rng(seed).integers(len(sums), size=(BOOTSTRAP_ROUNDS, len(sums)))
    means = 100 * sums[drawn].sum(1) / sizes[drawn].sum(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return round(float(low), 4), round(float(high), 4)


def aggregate(
    reports: Sequence[Report], ks: Sequence[int] = DEFAULT_KS, *, seed: int = 42
) -> dict[str, Any]:
    """Summarise the reports of one method.

    Parameters
    ----------
    reports : every sample of every instance, in any order.
    ks : values of k; those above an instance's number of samples give NaN.
    seed : of the bootstrap.

    Returns
    -------
    The `metrics` record of the README; rates in percent, missing ones None.
    """
    groups: dict[str, list[Report]] = defaultdict(list)
    for report in reports:
        groups[report.prog_syn_id].append(report)

    def rates(rule: Any, k: int) -> dict[str, float]:
        return {
            name: pass_at_k(len(group), sum(map(rule, group)), k) for name, group in groups.items()
        }

    full = all(report.without_update is not None for report in reports)
    metrics: dict[str, Any] = {"n_instances": len(groups), "n_samples": len(reports)}
    metrics["n_empty"] = sum(report.empty_code for report in reports)
    for k in ks:
        metrics[f"pass@{k}"] = _percent(list(rates(lambda r: r.all_pass_with, k).values()))
    for k in ks:
        official = rates(lambda r: r.exclusive, k)
        metrics[f"UPass@{k}"] = _percent(list(official.values()))
        if groups and not any(map(math.isnan, official.values())):
            metrics[f"UPass@{k}_interval"] = bootstrap_interval(official, seed=seed)
    for criterion in ("strict", "called"):
        decided = [
            group
            for group in groups.values()
            if all(correct(report, criterion) is not None for report in group)
        ]
        known = criterion == "called" or any(r.strict is not None for r in reports)
        if criterion == "called":
            known = all(r.called_update is not None for r in reports if r.all_pass_with)
        for k in ks:
            values = [
                pass_at_k(len(group), sum(bool(correct(r, criterion)) for r in group), k)
                for group in decided
            ]
            metrics[f"UPass@{k}_{criterion}"] = _percent(values) if known and values else None
        if criterion == "strict":
            metrics["undecidable_strict"] = len(groups) - len(decided)
    metrics |= _diagnostics(reports, rates, ks) if full and reports else _no_diagnostics(ks)
    return {
        key: None if isinstance(value, float) and math.isnan(value) else value
        for key, value in metrics.items()
    }


def _no_diagnostics(ks: Sequence[int]) -> dict[str, None]:
    names = [f"{name}@{k}" for name in ("pass_old", "pass_old_excl") for k in ks]
    return dict.fromkeys(
        [*names, "unsolved", "both", "accuracy_mean", "accuracy_std", "affected", "unaffected"]
    )


def _diagnostics(reports: Sequence[Report], rates: Any, ks: Sequence[int]) -> dict[str, float]:
    """What needs every test in both modes (`--full-report`)."""

    def old_only(report: Report) -> bool:
        return bool(report.all_pass_without) and not report.all_pass_with

    metrics = {}
    for k in ks:
        metrics[f"pass_old@{k}"] = _percent(
            list(rates(lambda r: bool(r.all_pass_without), k).values())
        )
        metrics[f"pass_old_excl@{k}"] = _percent(list(rates(old_only, k).values()))
    n = len(reports)
    new, old = sum(r.exclusive for r in reports), sum(map(old_only, reports))
    both = sum(r.all_pass_with and bool(r.all_pass_without) for r in reports)
    shares = [r.with_update.count("passed") / len(r.with_update) for r in reports]
    changed = sum(
        r.with_update.count("passed") != (r.without_update or []).count("passed") for r in reports
    )
    # The official "unsolved" counts samples that pass both ways; `both` tells them apart.
    metrics["unsolved"] = round(100 * (n - new - old - both) / n, 4)
    metrics["unsolved_official"] = round(100 * (n - new - old) / n, 4)
    metrics["both"] = both
    metrics["accuracy_mean"] = round(100 * float(np.mean(shares)), 4)
    metrics["accuracy_std"] = round(100 * float(np.std(shares)), 4)
    metrics["affected"], metrics["unaffected"] = changed, n - changed
    return metrics
