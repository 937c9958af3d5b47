"""What makes a sample count as one that uses the update (see the README): one entry a criterion."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from ..records import Report

Criterion = Literal["official", "strict", "called"]


@dataclass(frozen=True)
class Rule:
    """How a criterion judges a sample that passes with the update.

    Parameters
    ----------
    holds : whether it uses the update; None where that was not looked for or cannot be decided.
    needs : what of a `Sandbox` has to be on for it.
    undecidable : whether some samples cannot be decided even if that was looked for.
    """

    holds: Callable[[Report], bool | None]
    needs: Literal["", "strict", "called"] = ""
    undecidable: bool = False


CRITERIA: dict[Criterion, Rule] = {
    "official": Rule(lambda report: report.exclusive),
    "strict": Rule(lambda report: report.strict, needs="strict", undecidable=True),
    "called": Rule(lambda report: report.called_update, needs="called"),
}


def correct(report: Report, criterion: Criterion) -> bool | None:
    """Whether a sample uses the update, by one criterion; None where that cannot be decided."""
    return CRITERIA[criterion].holds(report) if report.all_pass_with else False


def looked_for(reports: Sequence[Report], criterion: Criterion) -> bool:
    """Whether a run found out what a criterion needs, or had nothing to find out."""
    holds = CRITERIA[criterion].holds
    passing = [report for report in reports if report.all_pass_with]
    return not passing or any(holds(report) is not None for report in reports)


def column(name: str, k: int, criterion: Criterion) -> str:
    """Name of a rate by a criterion, such as `UPass@1_strict`; the official one has none."""
    return f"{name}@{k}" if criterion == "official" else f"{name}@{k}_{criterion}"
