"""Do the reference solutions hold? Every test, with and without the update (section 4.4)."""

from collections.abc import Sequence
from typing import Any

from tenpapers.sandbox import SandboxPool
from tqdm import tqdm

from ..records import Outcome, ProgSynExample
from .programs import program
from .self_dependence import self_dependence

LOST = ("timeout", "memory", "crash")


def run_references(
    examples: Sequence[ProgSynExample],
    pool: SandboxPool,
    *,
    isolate_tests: bool = True,
    stop_without: bool = False,
) -> list[Outcome]:
    """Run every reference solution in both modes; outcomes in the order of the examples.

    Parameters
    ----------
    isolate_tests : a process for each test, or one for each example and mode.
    stop_without : without the update, stop at the first test that fails.
    """
    programs = [
        program(
            f"{mode}|{e.prog_syn_id}",
            e,
            e.ref_solution,
            with_update=mode == "with",
            isolate_tests=isolate_tests,
            stop_on_failure=stop_without and mode == "without",
        )
        for e in examples
        for mode in ("with", "without")
    ]
    found = {}
    for verdict in tqdm(pool.run(programs), total=len(programs), desc="references", unit="prog"):
        found[verdict.key] = list(verdict.statuses)
    return [
        Outcome(
            prog_syn_id=e.prog_syn_id,
            with_update=found[f"with|{e.prog_syn_id}"],
            without_update=found[f"without|{e.prog_syn_id}"],
        )
        for e in examples
    ]


def flag(
    examples: Sequence[ProgSynExample], outcomes: Sequence[Outcome], pool: SandboxPool
) -> dict[str, Any]:
    """Say which instances cannot be trusted, and why.

    Returns
    -------
    `heavy` (out of time or memory), `flaky` (fails, then passes when run again), `version_broken`
    (fails every time with these library versions): lists of ids. `self_dependent`: by id, for each
    test whether it needs the update by itself; None where that could not be decided.
    """
    failing = [o for o in outcomes if any(status != "passed" for status in o.with_update)]
    heavy = {o.prog_syn_id for o in failing if any(s in LOST for s in o.with_update)}
    by_id = {e.prog_syn_id: e for e in examples}
    again = [by_id[o.prog_syn_id] for o in failing if o.prog_syn_id not in heavy]
    flaky: set[str] = set()
    for _ in range(3 if again else 0):
        for outcome in run_references(again, pool):
            if all(status == "passed" for status in outcome.with_update):
                flaky.add(outcome.prog_syn_id)
    broken = {e.prog_syn_id for e in again} - flaky
    light = [e for e in examples if e.prog_syn_id not in heavy]
    dependent = dict(
        tqdm(self_dependence(light, pool), total=len(light), desc="self-dependence", unit="prog")
    )
    return {
        "heavy": sorted(heavy),
        "flaky": sorted(flaky),
        "version_broken": sorted(broken),
        "self_dependent": {e.prog_syn_id: dependent.get(e.prog_syn_id) for e in examples},
    }


def summary(outcomes: Sequence[Outcome], flags: dict[str, Any]) -> dict[str, int]:
    """Count what `verify` prints."""
    known = [f for f in flags["self_dependent"].values() if f is not None and None not in f]
    return {
        "references": len(outcomes),
        "pass all tests with the update": sum(_all(o.with_update) for o in outcomes),
        "pass all tests without it": sum(_all(o.without_update) for o in outcomes),
        "tests": sum(len(o.with_update) for o in outcomes),
        "tests passed with the update": sum(o.with_update.count("passed") for o in outcomes),
        "heavy": len(flags["heavy"]),
        "flaky": len(flags["flaky"]),
        "version-broken": len(flags["version_broken"]),
        "tests decided for self-dependence": sum(map(len, known)),
        "self-dependent tests": sum(map(sum, known)),
        "examples decided": len(known),
        "examples with a self-dependent test": sum(map(any, known)),
    }


def _all(statuses: Sequence[str]) -> bool:
    return all(status == "passed" for status in statuses)
