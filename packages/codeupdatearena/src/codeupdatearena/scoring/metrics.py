"""pass@k, UPass@k and the diagnostics."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from tenpapers.errors import UserError

from ..records import Report
from .criteria import CRITERIA, Criterion, column, correct, looked_for

BOOTSTRAP_ROUNDS = 1000
DEFAULT_KS = (1, 2, 5)
Groups = Mapping[str, Sequence[Report]]


def pass_at_k(n: int, c: int, k: int) -> float:
    """Unbiased chance that one of k samples is correct: 1 - C(n-c, k) / C(n, k).

    Parameters
    ----------
    n : samples; c : correct ones; k : samples one may hand in.

    Returns
    -------
    Probability in 0..1; NaN for k > n (the official code returns 1 there).

    Raises
    ------
    ValueError : k < 1, or c is not one of 0..n.
    """
    if k < 1 or not 0 <= c <= n:
        raise ValueError(f"pass@{k} of {c} correct samples of {n}")
    if k > n:
        return math.nan
    if n - c < k:
        return 1.0
    return 1.0 - math.prod(1.0 - k / i for i in range(n - c + 1, n + 1))


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


def bootstrap_interval(
    values: Mapping[str, float], updates: Mapping[str, str], *, seed: int = 42
) -> tuple[float, float]:
    """95% interval of the mean in percent, resampling updates (their instances go together).

    Parameters
    ----------
    values : by instance.
    updates : id of the update by instance.
    """
    groups: dict[str, list[float]] = defaultdict(list)
    for name, value in values.items():
        groups[updates[name]].append(value)
    # Updates of unequal size are drawn whole, so the mean is a ratio of two drawn sums:
    # scipy.stats.bootstrap resamples single values.
    sums = np.array([sum(group) for group in groups.values()])
    sizes = np.array([len(group) for group in groups.values()])
    drawn = np.random.default_rng(seed).integers(len(sums), size=(BOOTSTRAP_ROUNDS, len(sums)))
    means = 100 * sums[drawn].sum(1) / sizes[drawn].sum(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return round(float(low), 4), round(float(high), 4)


def by_instance(reports: Sequence[Report]) -> dict[str, list[Report]]:
    """Group the samples of each instance."""
    groups: dict[str, list[Report]] = defaultdict(list)
    for report in reports:
        groups[report.prog_syn_id].append(report)
    return dict(groups)


def updates_of(reports: Sequence[Report]) -> dict[str, str]:
    """Id of the update by instance."""
    return {report.prog_syn_id: report.update for report in reports}


def rates(groups: Groups, rule: Callable[[Report], bool], k: int) -> dict[str, float]:
    """Chance that one of k samples is right, by instance."""
    return {name: pass_at_k(len(group), sum(map(rule, group)), k) for name, group in groups.items()}


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
    groups = by_instance(reports)
    metrics: dict[str, Any] = {"n_instances": len(groups), "n_samples": len(reports)}
    metrics["n_empty"] = sum(report.empty_code for report in reports)
    endings = Counter(report.finish_reason for report in reports)
    metrics["endings"] = {n: endings[n] for n in ("length", "refused", "filtered") if endings[n]}
    metrics["failures"] = dict(Counter(map(_first_failure, reports)).most_common())
    metrics["failures"].pop("", None)
    for k in ks:
        passed = rates(groups, lambda report: report.all_pass_with, k)
        metrics[f"pass@{k}"] = _percent(list(passed.values()))
    updates = updates_of(reports)
    for k in ks:
        official = rates(groups, lambda report: report.exclusive, k)
        metrics[f"UPass@{k}"] = _percent(list(official.values()))
        if groups and not any(map(math.isnan, official.values())):
            metrics[f"UPass@{k}_interval"] = bootstrap_interval(official, updates, seed=seed)
    for name, rule in CRITERIA.items():
        if name != "official":
            metrics |= _by_criterion(reports, groups, name, ks)
        if rule.undecidable:
            metrics[f"undecidable_{name}"] = len(groups) - len(_decided(groups, name))
    full = all(report.without_update is not None for report in reports)
    metrics |= _diagnostics(reports, groups, ks) if full and reports else _no_diagnostics(ks)
    return {
        key: None if isinstance(value, float) and math.isnan(value) else value
        for key, value in metrics.items()
    }


def _first_failure(report: Report) -> str:
    """Status of the first test that failed with the update; "" where none did."""
    return next((status for status in report.with_update if status != "passed"), "")


def _decided(groups: Groups, criterion: Criterion) -> dict[str, Sequence[Report]]:
    """Instances of which the criterion can be decided for every sample."""
    return {
        name: group
        for name, group in groups.items()
        if all(correct(report, criterion) is not None for report in group)
    }


def _by_criterion(
    reports: Sequence[Report], groups: Groups, criterion: Criterion, ks: Sequence[int]
) -> dict[str, float | None]:
    """UPass@k by another criterion than the official; None where the run did not look for it."""
    known, decided = looked_for(reports, criterion), _decided(groups, criterion)
    found: dict[str, float | None] = {}
    for k in ks:
        values = rates(decided, lambda report: bool(correct(report, criterion)), k).values()
        percent = _percent(list(values)) if known and values else None
        found[column("UPass", k, criterion)] = percent
    return found


def _no_diagnostics(ks: Sequence[int]) -> dict[str, None]:
    names = [f"{name}@{k}" for name in ("pass_old", "pass_old_excl") for k in ks]
    return dict.fromkeys(
        [*names, "unsolved", "both", "accuracy_mean", "accuracy_std", "affected", "unaffected"]
    )


def _passes_without(report: Report) -> bool:
    return bool(report.all_pass_without)


def _passes_only_without(report: Report) -> bool:
    return bool(report.all_pass_without) and not report.all_pass_with


def _diagnostics(reports: Sequence[Report], groups: Groups, ks: Sequence[int]) -> dict[str, float]:
    """What needs every test in both modes (`--full-report`)."""
    metrics = {}
    for k in ks:
        old, only_old = rates(groups, _passes_without, k), rates(groups, _passes_only_without, k)
        metrics[f"pass_old@{k}"] = _percent(list(old.values()))
        metrics[f"pass_old_excl@{k}"] = _percent(list(only_old.values()))
    count = len(reports)
    new_alone = sum(report.exclusive for report in reports)
    old_alone = sum(map(_passes_only_without, reports))
    both = sum(report.all_pass_with and _passes_without(report) for report in reports)
    passed = [report.with_update.count("passed") for report in reports]
    passed_without = [(report.without_update or []).count("passed") for report in reports]
    shares = [
        number / len(report.with_update) for number, report in zip(passed, reports, strict=True)
    ]
    changed = sum(new != old for new, old in zip(passed, passed_without, strict=True))
    # The official "unsolved" counts samples that pass both ways; `both` tells them apart.
    metrics["unsolved"] = round(100 * (count - new_alone - old_alone - both) / count, 4)
    metrics["unsolved_official"] = round(100 * (count - new_alone - old_alone) / count, 4)
    metrics["both"] = both
    metrics["accuracy_mean"] = round(100 * float(np.mean(shares)), 4)
    metrics["accuracy_std"] = round(100 * float(np.std(shares)), 4)
    metrics["affected"], metrics["unaffected"] = changed, count - changed
    return metrics
