"""The evaluator on the references: do they hold, and which tests need the update by themselves?"""

from collections import Counter
from pathlib import Path
from typing import Any

from tenpapers.journal import Journal
from tenpapers.records import read_json, write_json
from tenpapers.report import Table
from tenpapers.sandbox import SandboxPool, summary_line
from tqdm import tqdm

from ..execution.references import all_passed, keep_outcomes
from ..execution.self_dependence import self_dependence
from ..inputs.arena import Arena
from ..inputs.known_issues import known_issues
from ..records import Outcome, ProgSynExample
from .settings import Study, open_pool


def run_evaluator(arena: Arena, study: Study, journal: Journal) -> tuple[Table, dict[str, Any]]:
    """Run references that are not known to be heavy; what a run has already is kept.

    Returns
    -------
    The table of the report, and its numbers for `results.json`.
    """
    issues = known_issues()
    light = [example for example in arena.examples if issues.get(example.prog_syn_id) != "heavy"]
    light = light[:: study.every_reference]
    with open_pool(study) as pool:
        # The references belong to the benchmark: one process an example will do.
        outcomes = keep_outcomes(
            light,
            pool,
            journal,
            "evaluator/outcomes.jsonl",
            isolate_tests=False,
            stop_without=True,
        )
        dependent = _dependence(light, pool, journal)
        sandbox = _kept(pool.summary(), journal.file("evaluator/sandbox.json"))
    numbers = count(outcomes, dependent)
    failing = [outcome for outcome in outcomes if not all_passed(outcome.with_update)]
    known = Counter(issues.get(outcome.prog_syn_id, "other") for outcome in failing)
    causes = ", ".join(f"{number} {cause}" for cause, number in known.items()) or "none"
    table = Table(
        "Evaluator",
        ["", "n", "paper: n"],
        [[name, number, None] for name, number in numbers.items()],
        f"References that fail, by known cause: {causes}. A test that needs the update by itself "
        "fails without it whatever the solution does, so official UPass counts every passing "
        "solution of its example as one that uses the update. " + summary_line(sandbox),
    )
    return table, {"evaluator": numbers, "sandbox": sandbox}


def _kept(sandbox: dict[str, Any], file: Path) -> dict[str, Any]:
    """Keep what an earlier session told of its sandbox, where this one had nothing to run."""
    if file.exists() and not sandbox["barrier"]:
        told: dict[str, Any] = read_json(file)
        return told
    write_json(file, sandbox)
    return sandbox


def count(outcomes: list[Outcome], dependent: dict[str, list[bool | None]]) -> dict[str, int]:
    """Count what the table shows.

    Parameters
    ----------
    dependent : by example, for each test whether it needs the update by itself.
    """
    passing = [outcome for outcome in outcomes if all_passed(outcome.with_update)]
    # Without the update a run stops at its first failure.
    without = [
        outcome
        for outcome in outcomes
        if len(outcome.without_update) == len(outcome.with_update)
        and all_passed(outcome.without_update)
    ]
    decided = {name: marks for name, marks in dependent.items() if marks and None not in marks}
    marked = sum(marks.count(True) for marks in decided.values())
    strict = sum(
        not all(decided[outcome.prog_syn_id])
        for outcome in passing
        if outcome.prog_syn_id in decided
    )
    return {
        "references run (without the heavy ones)": len(outcomes),
        "pass all tests with the update": len(passing),
        "pass all tests without it": len(without),
        "tests": sum(len(outcome.with_update) for outcome in outcomes),
        "tests passed with the update": sum(o.with_update.count("passed") for o in outcomes),
        "tests decided for self-dependence": sum(map(len, decided.values())),
        "tests that need the update by themselves": marked,
        "examples decided": len(decided),
        "examples with such a test": sum(map(any, decided.values())),
        "passing references that official UPass@1 counts": len(passing) - len(without),
        "passing references that strict UPass@1 can decide": strict,
    }


def _dependence(
    examples: list[ProgSynExample], pool: SandboxPool, journal: Journal
) -> dict[str, list[bool | None]]:
    file = journal.file("evaluator/dependence.json")
    if not journal.done("dependence"):
        stream = self_dependence(examples, pool)
        bar = tqdm(stream, total=len(examples), desc="self-dependence", unit="prog")
        write_json(file, dict(bar))
        journal.finish("dependence")
    kept: dict[str, list[bool | None]] = read_json(file)
    return kept
