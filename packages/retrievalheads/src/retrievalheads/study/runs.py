"""What a study's runs hold, and which of them belong together."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from pydantic import ConfigDict, Field
from tenpapers.records import Record

from ..records import SYNTHETIC, Variant

REAL: Variant = "real-full"


class StudyRun(Record):
    """One adapter of a study; scores are of the real test set, heads of the real dev set.

    Overlaps are with the heads of Real-Full of the same task and seed. `n_heads` is how many the
    model has, `shared` the share of the real heads' score that is reached. `failed` says why a
    Real-Full is no reference.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    task: str
    model: str
    seed: int = 0
    n_train: int
    n_test: int
    f1: float
    per_example: tuple[float, ...] = ()
    n_heads: int | None = None
    count: int | None = None
    count_over_0: int | None = None
    count_both: int | None = None
    recall: float | None = None
    recall_over_0: float | None = None
    shared: float | None = None
    precision: float | None = None
    jaccard: float | None = None
    cosine: float | None = None
    recall_own: float | None = None
    failed: str = ""
    seconds: float = Field(default=0.0)

    @property
    def chance(self) -> float | None:
        """Recall of as many heads drawn at random."""
        if self.count is None or not self.n_heads:
            return None
        return self.count / self.n_heads


@dataclass(frozen=True)
class Cell:
    """One task and seed: the real-trained reference and the synthetic runs of its size."""

    name: str
    task: str
    seed: int
    real: StudyRun | None
    synthetic: list[StudyRun]


def synthetic_runs(runs: Sequence[StudyRun]) -> list[StudyRun]:
    """The synthetic variants, in the order of the paper."""
    return [run for name in SYNTHETIC for run in runs if run.name == name]


def cells(runs: Sequence[StudyRun]) -> list[Cell]:
    """Runs by task and seed; of several sizes the largest."""
    found = []
    for task, model, seed in dict.fromkeys((run.task, run.model, run.seed) for run in runs):
        here = [r for r in runs if (r.task, r.model, r.seed) == (task, model, seed)]
        synthetic = synthetic_runs(here)
        largest = max((run.n_train for run in synthetic), default=0)
        real = next((run for run in here if run.name == REAL), None)
        same_size = [run for run in synthetic if run.n_train == largest]
        found.append(Cell(f"{task}, seed {seed}", task, seed, real, same_size))
    return found


def alike(runs: Sequence[StudyRun]) -> list[list[StudyRun]]:
    """Synthetic runs that differ in their variant alone: of one task, model, size and seed."""
    groups: dict[tuple[str, str, int, int], list[StudyRun]] = {}
    for run in synthetic_runs(runs):
        groups.setdefault((run.task, run.model, run.n_train, run.seed), []).append(run)
    return list(groups.values())


def mean_of(runs: Sequence[StudyRun], name: str) -> float | None:
    """Mean of a field over seeds; None where no run has it."""
    values = [value for run in runs if (value := getattr(run, name)) is not None]
    return fmean(values) if values else None


def spread_of(runs: Sequence[StudyRun], name: str) -> float | None:
    """Largest less smallest value of a field over seeds; None where fewer than two have it."""
    values = [value for run in runs if (value := getattr(run, name)) is not None]
    return max(values) - min(values) if len(values) > 1 else None
