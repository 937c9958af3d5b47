"""Do the reference solutions hold? Every test, with and without the update."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypedDict

from tenpapers.journal import Journal
from tenpapers.records import write_json
from tenpapers.sandbox import SandboxPool
from tqdm import tqdm

from ..records import Outcome, ProgSynExample
from .function_lookup import check_functions
from .library_profiles import interpreter, library_versions
from .programs import program
from .self_dependence import self_dependence
from .settings import SandboxSettings

LOST = ("timeout", "memory", "crash")


class Flags(TypedDict):
    """Which instances cannot be trusted, and why.

    `heavy` (out of time or memory), `flaky` (fails, then passes when run again), `version_broken`
    (fails every time with these library versions): ids. `self_dependent`: by id, for each test
    whether it needs the update by itself; None where that could not be decided.
    """

    heavy: list[str]
    flaky: list[str]
    version_broken: list[str]
    self_dependent: dict[str, list[bool | None] | None]


def verify(
    examples: Sequence[ProgSynExample],
    settings: SandboxSettings,
    journal: Journal,
    *,
    hidden: Sequence[Path] = (),
) -> dict[str, int]:
    """Run every reference and write `outcomes.jsonl` and `flags.json` of a run.

    Parameters
    ----------
    hidden : files that hold answers, which no program may read.

    Returns
    -------
    What the run counted, see `summary`.

    Raises
    ------
    UserError : an updated function is not there in the installed library.
    """
    python = interpreter(settings.profile)
    journal.claim("outcomes.jsonl", "flags.json")
    with settings.open_pool(python, hidden) as pool:
        check_functions(examples, pool, python)
        outcomes = keep_outcomes(examples, pool, journal, "outcomes.jsonl")
        flags = flag(examples, outcomes, pool)
        told = {"profile": settings.profile, "sandbox": pool.summary()}
    versions = library_versions(python)
    write_json(journal.file("flags.json"), {**flags, **told, "versions": versions})
    return summary(outcomes, flags)


def keep_outcomes(
    examples: Sequence[ProgSynExample],
    pool: SandboxPool,
    journal: Journal,
    name: str,
    *,
    isolate_tests: bool = True,
    stop_without: bool = False,
) -> list[Outcome]:
    """Run the references whose outcome a run does not have yet; each is kept as it comes."""
    names = [example.prog_syn_id for example in examples]
    with journal.rows(name, key=lambda row: str(row["prog_syn_id"])) as rows:
        missing = rows.missing(examples, key=lambda example: example.prog_syn_id)
        for outcome in run_references(
            missing, pool, isolate_tests=isolate_tests, stop_without=stop_without
        ):
            rows.write(outcome)
        rows.close(order=names)
    return [Outcome.model_validate(rows.rows[name]) for name in names]


def run_references(
    examples: Sequence[ProgSynExample],
    pool: SandboxPool,
    *,
    isolate_tests: bool = True,
    stop_without: bool = False,
) -> Iterator[Outcome]:
    """Run every reference solution in both modes; outcomes as they come.

    Parameters
    ----------
    isolate_tests : a process for each test, or one for each example and mode.
    stop_without : without the update, stop at the first test that fails.
    """
    programs = [
        program(
            f"{mode}|{example.prog_syn_id}",
            example,
            example.ref_solution,
            with_update=mode == "with",
            isolate_tests=isolate_tests,
            stop_on_failure=stop_without and mode == "without",
        )
        for example in examples
        for mode in ("with", "without")
    ]
    both: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for verdict in tqdm(pool.run(programs), total=len(programs), desc="references", unit="prog"):
        mode, _, name = verdict.key.partition("|")
        both[name][mode] = list(verdict.statuses)
        if len(both[name]) == 2:
            found = both.pop(name)
            yield Outcome(
                prog_syn_id=name, with_update=found["with"], without_update=found["without"]
            )


def flag(
    examples: Sequence[ProgSynExample], outcomes: Sequence[Outcome], pool: SandboxPool
) -> Flags:
    """Find the instances that cannot be trusted."""
    failing = [outcome for outcome in outcomes if not all_passed(outcome.with_update)]
    heavy = {
        outcome.prog_syn_id
        for outcome in failing
        if any(status in LOST for status in outcome.with_update)
    }
    by_id = {example.prog_syn_id: example for example in examples}
    again = [by_id[o.prog_syn_id] for o in failing if o.prog_syn_id not in heavy]
    flaky: set[str] = set()
    for _ in range(3 if again else 0):
        for outcome in run_references(again, pool):
            if all_passed(outcome.with_update):
                flaky.add(outcome.prog_syn_id)
    broken = {example.prog_syn_id for example in again} - flaky
    light = [example for example in examples if example.prog_syn_id not in heavy]
    dependent = dict(
        tqdm(self_dependence(light, pool), total=len(light), desc="self-dependence", unit="prog")
    )
    return Flags(
        heavy=sorted(heavy),
        flaky=sorted(flaky),
        version_broken=sorted(broken),
        self_dependent={name: dependent.get(name) for name in by_id},
    )


def summary(outcomes: Sequence[Outcome], flags: Flags) -> dict[str, int]:
    """Count what `verify` prints."""
    told = flags["self_dependent"].values()
    known = [marks for marks in told if marks is not None and None not in marks]
    return {
        "references": len(outcomes),
        "pass all tests with the update": sum(all_passed(o.with_update) for o in outcomes),
        "pass all tests without it": sum(all_passed(o.without_update) for o in outcomes),
        "tests": sum(len(o.with_update) for o in outcomes),
        "tests passed with the update": sum(o.with_update.count("passed") for o in outcomes),
        "heavy": len(flags["heavy"]),
        "flaky": len(flags["flaky"]),
        "version-broken": len(flags["version_broken"]),
        "tests decided for self-dependence": sum(map(len, known)),
        "self-dependent tests": sum(marks.count(True) for marks in known),
        "examples decided": len(known),
        "examples with a self-dependent test": sum(map(any, known)),
    }


def all_passed(statuses: Sequence[str]) -> bool:
    """Whether every test that was run passed."""
    return all(status == "passed" for status in statuses)
