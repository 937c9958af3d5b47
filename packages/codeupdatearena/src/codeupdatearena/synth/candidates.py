"""Sample code, run its tests with and without the update, keep the best."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tenpapers.errors import UserError
from tenpapers.sandbox import SandboxPool

from ..execution.programs import program
from ..records import ProgSynExample
from .stored_model import Rejected, Unfit

SAMPLES = 3


@dataclass(frozen=True)
class Candidate:
    """A sampled piece of code with what its tests did."""

    example: ProgSynExample
    passed: list[bool]
    exclusive: bool

    @property
    def rate(self) -> float:
        """Share of tests that pass with the update."""
        return sum(self.passed) / len(self.passed)


def select(
    sample: Callable[[int], ProgSynExample], pool: SandboxPool, *, threshold: float, name: str
) -> Candidate:
    """Take the best of three samples that has an exclusive test (passes with, fails without).

    Parameters
    ----------
    sample : makes sample number i; raises `Unfit` for a response that is no code.
    threshold : least share of tests that must pass; sampling stops once it is reached.

    Raises
    ------
    Rejected : no sample with an exclusive test reaches the threshold.
    """
    best: Candidate | None = None
    reason = "no sample was code"
    for candidate in _candidates(sample, pool):
        if isinstance(candidate, str):
            reason = candidate
            continue
        if not candidate.exclusive:
            reason = "no test needs the update"
            continue
        # Of equal rates the later sample is kept.
        if best is None or candidate.rate >= best.rate:
            best = candidate
        if best.rate >= threshold:
            return best
    if best is not None:
        reason = f"{sum(best.passed)} of {len(best.passed)} tests pass, below {threshold}"
    raise Rejected(f"{name}: {reason}")


def _candidates(
    sample: Callable[[int], ProgSynExample], pool: SandboxPool
) -> Iterator[Candidate | str]:
    """Yield each sample with what its tests did, or why it is none."""
    for number in range(SAMPLES):
        try:
            example = sample(number)
            passed = {
                verdict.key: [status == "passed" for status in verdict.statuses]
                for verdict in pool.run(
                    program(mode, example, example.ref_solution, with_update=mode == "with")
                    for mode in ("with", "without")
                )
            }
        except (Unfit, UserError) as error:
            yield str(error)
            continue
        pairs = zip(passed["with"], passed["without"], strict=True)
        exclusive = any(new and not old for new, old in pairs)
        yield Candidate(example, passed["with"], exclusive)
