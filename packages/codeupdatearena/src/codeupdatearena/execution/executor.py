"""Running predictions: with the update, and without it only where that can matter."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenpapers.sandbox import KERNEL_BARRIERS, Barrier, Limits, SandboxPool, Verdict

from ..records import Prediction, ProgSynExample, Report
from .programs import MOST_TIMEOUTS, parses, program
from .returned_types import returned_types, strange_types, types_program
from .self_dependence import called_program, dependence_program, depends
from .settings import Isolation

LAST_LINES = 5  # of a failing program's output, unless all is wanted


@dataclass(frozen=True)
class Job:
    """One prediction and the example it answers."""

    example: ProgSynExample
    prediction: Prediction


@dataclass
class _Run:
    """What is known so far of one distinct (example, code)."""

    example: ProgSynExample
    code: str
    jobs: list[Job]
    with_update: Verdict | None = None
    without_update: Verdict | None = None
    called: bool | None = None
    returned: set[str] | None = None  # types of the solution's values, where it is suspicious
    wanted: set[str] | None = None  # the reference's


class Sandbox(AbstractContextManager["Sandbox"]):
    """Executes predictions in isolated workers.

    Parameters
    ----------
    workers : programs at a time; default the number of processors.
    timeout : seconds for the set-up and for each test.
    memory_gb : GiB of address space on top of the loaded libraries.
    full_report : every test in both modes, for accuracy and the other diagnostics.
    called : also find out whether the solution calls the new function.
    strict : also find out whether it passes, without the update, the tests that need no update.
    dependence : self-dependence of the tests by example; what strict needs more is found out.
    isolation : a process for each test, or one for each sample and mode.
    barriers : of the pool, in the order in which they are tried.
    keep_output : report all that a failing program printed, not its last lines.
    path : folders that programs may import from.
    hidden : files that hold answers, which no program may read.
    preload : keep heavy modules loaded (False is the `--cold` way).
    python : interpreter of the programs (another library profile), default this one.
    """

    def __init__(
        self,
        workers: int | None = None,
        timeout: float = 15.0,
        memory_gb: float = 4.0,
        *,
        full_report: bool = False,
        called: bool = False,
        strict: bool = False,
        dependence: Mapping[str, list[bool | None]] | None = None,
        isolation: Isolation = "test",
        barriers: Sequence[Barrier] = KERNEL_BARRIERS,
        keep_output: bool = False,
        path: Sequence[Path] = (),
        hidden: Sequence[Path] = (),
        preload: bool = True,
        python: str | None = None,
    ) -> None:
        self.keep_output = keep_output
        self.full_report = full_report
        self.called, self.strict = called or full_report, strict or full_report
        self.dependence = dict(dependence or {})
        self.isolate_tests = isolation == "test"
        self.pool = SandboxPool(
            workers=workers,
            limits=Limits(timeout=timeout, memory_gb=memory_gb),
            barriers=barriers,
            path=path,
            hidden=hidden,
            preload=preload,
            python=python,
        )

    def run(self, jobs: Iterable[Job]) -> Iterator[Report]:
        """Yield one report for every job, as soon as it is decided.

        Identical samples run once; empty and unparsable code needs no process.
        """
        runs: dict[str, _Run] = {}
        shared: dict[tuple[str, str], _Run] = {}
        for job in jobs:
            example, code = job.example, job.prediction.code
            if not code.strip() or not parses(example, code):
                yield self._hopeless(job)
                continue
            pair = (example.prog_syn_id, code.strip())
            if pair in shared:
                shared[pair].jobs.append(job)
                continue
            key = str(len(runs))
            runs[key] = shared[pair] = _Run(example, code, [job])
        for key, run in runs.items():
            self._submit(key, "with", run)
        # Runs that only wait for what is found out of their example's tests.
        waiting: dict[str, list[_Run]] = {}
        for verdict in self.pool.verdicts():
            key, mode = verdict.key.split()
            name = runs[key].example.prog_syn_id
            if mode == "depends":
                self.dependence[name] = depends(verdict)
                for run in waiting.pop(name):
                    yield from self._reports(run)
                continue
            self._take(mode, runs[key], verdict)
            if next_mode := self._next_mode(runs[key]):
                self._submit(key, next_mode, runs[key])
            elif not self._needs_dependence(runs[key]):
                yield from self._reports(runs[key])
            elif name in waiting:
                waiting[name].append(runs[key])
            else:
                waiting[name] = [runs[key]]
                example = runs[key].example
                self.pool.submit(dependence_program(example, key=f"{key} depends"), first=True)

    def _submit(self, key: str, mode: str, run: _Run) -> None:
        example, code, name = run.example, run.code, f"{key} {mode}"
        if mode == "called":
            made = called_program(name, example, code, isolate=self.isolate_tests)
        elif mode in ("returned", "wanted"):
            made = types_program(
                name, example, code if mode == "returned" else example.ref_solution
            )
        else:
            with_update = mode == "with"
            made = program(
                name,
                example,
                code,
                with_update=with_update,
                stop_on_failure=not (self.full_report or (self.strict and not with_update)),
                most_timeouts=0 if self.full_report else MOST_TIMEOUTS,
                isolate_tests=self.isolate_tests,
                capture=self.keep_output and with_update,
            )
        # What follows from a verdict comes first: reports are due as soon as they can be.
        self.pool.submit(made, first=mode != "with")

    def _take(self, mode: str, run: _Run, verdict: Verdict) -> None:
        """Keep what a verdict says."""
        if mode == "with":
            run.with_update = verdict
        elif mode == "without":
            run.without_update = verdict
        elif mode == "called":
            run.called = "passed" in verdict.statuses
        elif mode == "returned":
            run.returned = returned_types(verdict)
        else:
            run.wanted = returned_types(verdict)

    def _next_mode(self, run: _Run) -> str:
        """What is to be run next; "" when nothing is left."""
        assert run.with_update is not None
        passed = _all_passed(run.with_update, run.example)
        if run.without_update is None and (passed or self.full_report):
            return "without"
        if passed and self.called and run.called is None:
            return "called"
        if passed and run.with_update.suspicious:
            return "returned" if run.returned is None else "wanted" if run.wanted is None else ""
        return ""

    def _needs_dependence(self, run: _Run) -> bool:
        passed = _all_passed(run.with_update, run.example)
        return self.strict and passed and run.example.prog_syn_id not in self.dependence

    def _reports(self, run: _Run) -> Iterator[Report]:
        assert run.with_update is not None
        passed_with = _all_passed(run.with_update, run.example)
        without = run.without_update
        passed_without = None if without is None else _all_passed(without, run.example)
        seconds = run.with_update.seconds + (without.seconds if without else 0.0)
        called = run.called if self.called and passed_with else (False if self.called else None)
        strange = strange_types(run.returned or set(), run.wanted or set())
        for job in run.jobs:
            yield Report(
                **_known(job),
                with_update=list(run.with_update.statuses),
                without_update=list(without.statuses) if without else None,
                all_pass_with=passed_with,
                all_pass_without=passed_without,
                exclusive=passed_with and passed_without is False,
                called_update=called,
                strict=self._strict(run, passed_with),
                seconds=round(seconds, 4),
                failure=run.with_update.failure,
                output=self._output(run.with_update),
                suspicious=run.with_update.suspicious + strange,
            )

    def _output(self, verdict: Verdict) -> str:
        if not verdict.failure:
            return ""
        if self.keep_output:
            return verdict.output
        return "\n".join(verdict.tail.splitlines()[-LAST_LINES:])

    def _strict(self, run: _Run, passed_with: bool) -> bool | None:
        if not self.strict or not passed_with or run.without_update is None:
            return False if self.strict else None
        flags = self.dependence.get(run.example.prog_syn_id, [])
        told = zip(run.without_update.statuses, flags, strict=False)
        independent = [status for status, flag in told if flag is False]
        return any(status != "passed" for status in independent) if independent else None

    def _hopeless(self, job: Job) -> Report:
        empty = not job.prediction.code.strip()
        count = len(job.example.unit_tests) if self.full_report else 1
        statuses = ["error:NameError" if empty else "error:SyntaxError"] * count
        return Report(
            **_known(job),
            with_update=statuses,
            without_update=statuses if self.full_report else None,
            all_pass_with=False,
            all_pass_without=False if self.full_report else None,
            exclusive=False,
            called_update=False if self.called else None,
            strict=False if self.strict else None,
            empty_code=empty,
        )

    def close(self) -> None:
        """End the workers."""
        self.pool.close()

    def __exit__(self, *error: object) -> None:
        self.close()


def _known(job: Job) -> dict[str, Any]:
    """What a report says of its update and its prediction."""
    update, prediction = job.example.update, job.prediction
    return {
        "prog_syn_id": job.example.prog_syn_id,
        "update_id": update.update_id,
        "package": update.package,
        "update_type": update.update_type,
        "sample": prediction.sample,
        "method": prediction.method,
        "finish_reason": prediction.finish_reason,
        "fields": prediction.fields,
    }


def _all_passed(verdict: Verdict | None, example: ProgSynExample) -> bool:
    if verdict is None or len(verdict.statuses) < len(example.unit_tests):
        return False
    return all(status == "passed" for status in verdict.statuses)
