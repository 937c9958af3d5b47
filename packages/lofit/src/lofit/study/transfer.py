"""Transfer of heads between tasks (the paper's figure 2)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import cast

from tenpapers.cli import comma_separated
from tenpapers.journal import Journal
from tenpapers.models import CausalLM, HeadGeometry
from tenpapers.records import write_json

from ..heads.ranking import default_k
from ..inputs.encoding import Encoding
from ..inputs.load_task import Split, Task, TaskName
from ..records import SelectConfig, TuneConfig
from ..scoring.evaluate import evaluate_task
from ..scoring.significance import paired_bootstrap
from .evaluation import measured
from .figures import matrix_figure
from .settings import TrainSettings
from .two_steps import choose_heads, learn_offsets


@dataclass(frozen=True)
class Transfer:
    """Rows are where the heads come from, columns the task of offsets and test.

    Parameters
    ----------
    percent : the metric in percent of the task's own heads.
    stars : marks of cells that are below the diagonal.
    k : number of heads.
    """

    tasks: list[str]
    percent: list[list[float]]
    stars: list[list[str]]
    k: int

    def cells(self) -> list[list[str]]:
        """Numbers with their marks, as text."""
        return [
            [f"{value:.0f}{mark}" for value, mark in zip(row, marks, strict=True)]
            for row, marks in zip(self.percent, self.stars, strict=True)
        ]

    def text(self) -> str:
        """For a terminal."""
        width = max(map(len, self.tasks)) + 2
        lines = [" " * width + "".join(name.rjust(width) for name in self.tasks)]
        for name, row in zip(self.tasks, self.cells(), strict=True):
            lines.append(name.ljust(width) + "".join(cell.rjust(width) for cell in row))
        return "\n".join(lines)


def named_tasks(settings: TrainSettings, names: str) -> list[Task]:
    """Read the tasks of a list of names with commas between them."""
    # The names are checked where the tasks are read.
    return [
        replace(settings, task=cast(TaskName, name)).load_task() for name in comma_separated(names)
    ]


def transfer(
    settings: TrainSettings, names: str, journal: Journal, *, split: Split, limit: int | None
) -> str:
    """Heads of each task used for each other; writes `transfer.json` and `transfer.png`.

    Parameters
    ----------
    names : of the tasks, with commas.

    Returns
    -------
    The table as text, and where the files are.
    """
    found = transfer_heads(
        settings.load_model(),
        named_tasks(settings, names),
        journal,
        select=settings.select(),
        tune=settings.tune(),
        k=settings.top_k,
        limit=limit,
        split=split,
        encoding=settings.encoding(),
    )
    picture = matrix_figure(
        journal.file("transfer.png"),
        found.tasks,
        found.percent,
        found.cells(),
        rows="heads from",
        columns="offsets and test on",
        title="Metric in percent of the task's own heads",
    )
    return f"{found.text()}\n-> {journal.root / 'transfer.json'}, {picture.path}"


def transfer_heads(
    lm: CausalLM,
    tasks: Sequence[Task],
    journal: Journal,
    *,
    select: SelectConfig,
    tune: TuneConfig,
    k: int | None = None,
    limit: int | None = None,
    split: Split = "test",
    encoding: Encoding | None = None,
) -> Transfer:
    """Heads from one task, offsets and test on another.

    A cell is the metric with heads of a (row) on b (column), in percent of b's own; stars mark
    cells that are below the diagonal by the paired bootstrap.
    """
    k = k or default_k(HeadGeometry.from_config(lm.model.config))
    how = encoding or Encoding()
    rankings = {
        task.name: choose_heads(lm, task, select, journal, task.name, encoding=how)
        for task in tasks
    }
    per_item: dict[tuple[str, str], list[float]] = {}
    for target in tasks:
        for origin in tasks:
            folder = f"{origin.name}-on-{target.name}"
            heads = rankings[origin.name].top(k)
            adapter, _ = learn_offsets(lm, target, heads, tune, journal, folder, encoding=how)
            evaluate = partial(
                evaluate_task, lm, target, adapter, split=split, limit=limit, chat=how.chat
            )
            kept = measured(journal, folder, evaluate)
            per_item[origin.name, target.name] = kept["per_item"]
    names = [task.name for task in tasks]
    percent, stars = [], []
    for origin_name in names:
        row, marks = [], []
        for name in names:
            own, foreign = per_item[name, name], per_item[origin_name, name]
            row.append(100 * sum(foreign) / (sum(own) or 1.0))
            marks.append("" if origin_name == name else paired_bootstrap(own, foreign).stars)
        percent.append(row)
        stars.append(marks)
    write_json(
        journal.file("transfer.json"), {"tasks": names, "percent": percent, "stars": stars, "k": k}
    )
    return Transfer(names, percent, stars, k)
