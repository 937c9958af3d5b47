"""What the study says about each claim of the paper, computed from its results."""

from collections.abc import Callable, Mapping
from statistics import fmean
from typing import Any

from tenpapers.paper import Paper, Verdict, judged

from ..literature import TOP

Results = Mapping[str, Any]
Judgement = tuple[Verdict, str]

HARDLY = 2.0  # points that published comparisons of other tasks may gain
LITTLE = ("Commonsense", "Knowledge", "Soft reasoning")
MUCH = ("Mathematical", "Symbolic")
ENOUGH = 100  # items a cell needs, for many intervals at chance say nothing
MOST = 50.0  # percent of the gain
SPREAD = 5.0  # points between the wordings of a cue


def judged_claims(paper: Paper, results: Results) -> list[dict[str, Any]]:
    """Every claim of the paper with its verdict and the evidence, as `results.json` keeps it.

    Parameters
    ----------
    results : what the parts of the study left: groups, literature, live, plans, wordings.
    """
    return judged(paper, {claim: judge(results) for claim, judge in JUDGES.items()})


def _shown(holds: bool, evidence: str) -> Judgement:
    return ("shown" if holds else "not shown"), evidence


def _untested(reason: str) -> Judgement:
    return "not testable here", reason


def _literature_top(results: Results) -> Judgement:
    if "literature" not in results:
        return _untested("no comparisons at hand")
    best = results["literature"]["top"]["categories"]
    said = f"highest mean gains of {results['literature']['rows']} comparisons: {', '.join(best)}"
    return _shown(set(best) == set(TOP), said)


def _literature_others(results: Results) -> Judgement:
    others = results.get("literature", {}).get("top", {}).get("named_others")
    if others is None:
        return _untested("no comparisons of other tasks at hand")
    gain = others["cot"] - others["direct"]
    said = f"{others['cells']} cells outside the three gain {gain:+.1f} points on average"
    return _shown(gain < HARDLY, f"{said}; under {HARDLY:g} would be hardly")


def _groups(results: Results) -> Judgement:
    """Every group of the little ones gains less than every one of the others, source by source."""
    by_source: dict[str, dict[str, float]] = {}
    for row in results.get("groups", []):
        by_source.setdefault(row["source"], {})[row["group"]] = row["delta_guess"]
    compared = {
        source: gains
        for source, gains in by_source.items()
        if set(gains) & set(LITTLE) and set(gains) & set(MUCH)
    }
    if not compared:
        return _untested("no recorded source has tasks of both kinds")
    holds = all(
        max(gain for name, gain in gains.items() if name in LITTLE)
        < min(gain for name, gain in gains.items() if name in MUCH)
        for gains in compared.values()
    )
    said = "; ".join(
        f"{source}: " + ", ".join(f"{name} {gain:+.1f}" for name, gain in gains.items())
        for source, gains in compared.items()
    )
    measured = {name for gains in compared.values() for name in gains}
    missing = ", ".join(name for name in LITTLE + MUCH if name not in measured) or "none"
    evidence = f"gains in points, unparseable as a guess, of {said}; groups not recorded: {missing}"
    return _shown(holds, evidence)


def _rarely_significant(results: Results) -> Judgement:
    rows = [row for row in _large_live_cells(results) if row["group"] in LITTLE]
    if {row["group"] for row in rows} != set(LITTLE):
        return _untested(f"no live cells of {ENOUGH} items or more in all three groups")
    count = sum(bool(row["significant"]) for row in rows)
    said = f"{count} of {len(rows)} live cells are significant"
    return _shown(count < len(rows) / 2, said)


def _large_live_cells(results: Results) -> list[dict[str, Any]]:
    return [row for row in results.get("live", {}).get("cells", []) if row["n"] >= ENOUGH]


def _equals_sign(results: Results) -> Judgement:
    names = [
        row["task"]
        for row in _large_live_cells(results)
        if row["task"].rpartition("/")[2] in ("mmlu", "mmlu_pro")
    ]
    shares = {name: results["live"]["equals"][name]["share_with"] for name in names}
    known = {name: share for name, share in shares.items() if share is not None}
    if not known:
        return _untested(f"no gain on {ENOUGH} items or more of MMLU or MMLU-Pro")
    said = ", ".join(f"{name} {share:.0f} %" for name, share in known.items())
    return _shown(min(known.values()) > MOST, f"share of the gain with an equals sign: {said}")


def _plan_accuracies(results: Results, *wanted: str) -> list[dict[str, float]]:
    """Accuracy by setting of each task that was asked often enough in all wanted settings."""
    by_task: dict[str, dict[str, float]] = {}
    for row in results.get("plans", []):
        if row["n"] >= ENOUGH:
            by_task.setdefault(row["task"], {})[row["setting"]] = row["accuracy"]
    return [found for found in by_task.values() if set(wanted) <= set(found)]


def _plan_alone(results: Results) -> Judgement:
    tasks = _plan_accuracies(results, "da", "cot", "plan_direct")
    if not tasks:
        return _untested(f"no task has {ENOUGH} items or more in all of da, cot and plan_direct")
    worked = fmean(task["cot"] - task["da"] for task in tasks)
    planned = fmean(task["plan_direct"] - task["da"] for task in tasks)
    said = f"over direct answers of {len(tasks)} tasks CoT gains {worked:+.1f} points"
    said += f", a plan with a direct answer {planned:+.1f}"
    return _shown(worked > 0 and planned < worked / 2, said)


def _tool(results: Results) -> Judgement:
    tasks = _plan_accuracies(results, "cot", "plan_tool")
    if not tasks:
        return _untested(f"no task has {ENOUGH} items or more in both cot and plan_tool")
    better = sum(task["plan_tool"] > task["cot"] for task in tasks)
    said = f"the solver is more accurate than CoT on {better} of {len(tasks)} tasks"
    return _shown(better > len(tasks) / 2, said)


def _wordings(results: Results) -> Judgement:
    rows = [row for row in results.get("wordings", []) if row["n"] >= ENOUGH]
    if len(rows) < 2:
        return _untested(f"fewer than two tasks have {ENOUGH} items or more in all wordings")
    spread = fmean(row["spread"] for row in rows)
    winners = set.intersection(*(_winners(row) for row in rows))
    said = f"mean spread {spread:.1f} points on {len(rows)} tasks; best everywhere: "
    said += ", ".join(sorted(winners)) or "none"
    return _shown(spread <= SPREAD and not winners, said)


def _winners(row: Mapping[str, Any]) -> set[str]:
    return set(row["best"].split(", "))


JUDGES: dict[str, Callable[[Results], Judgement]] = {
    "literature-top": _literature_top,
    "literature-others": _literature_others,
    "groups": _groups,
    "rarely-significant": _rarely_significant,
    "equals-sign": _equals_sign,
    "plan-alone": _plan_alone,
    "tool": _tool,
    "wordings": _wordings,
}
