"""Does the wording of the zero-shot cue matter? The same tasks with each of four."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tenpapers.cli import comma_separated
from tenpapers.generation import Generator, open_generator
from tenpapers.journal import Journal, files_of, key_of, known_by

from ..inputs.demonstrations import task_items
from ..inputs.task_registry import task_spec
from ..records import Output, TaskItem
from .output_log import close_in_order, items_key, open_outputs
from .prompts import VARIANTS
from .run import run
from .settings import WordingSettings, two_budgets

# Outputs of one task by the name of the wording.
ByWording = dict[str, list[Output]]

# Which seven the paper took is not confirmed; these cover its groups.
TASKS = (
    "csqa",
    "stratqa",
    "arc_challenge",
    "agieval_lsat_ar",
    "mm_musr",
    "contexthub_deductive_level1",
    "gsm8k",
)


def run_wordings(
    settings: WordingSettings, out: Path, *, overwrite: bool = False, wait: bool = False
) -> dict[str, ByWording]:
    """Ask every task in every wording, into `out/<wording>/<task>.jsonl`.

    Raises
    ------
    UserError : `out` holds a run of another model, other settings or inputs; what `task_items` and
        `run` raise.
    """
    budgets = two_budgets(settings.budgets)
    items = {
        task: task_items(task, settings.data, settings.n, settings.seed, [])
        for task in comma_separated(settings.tasks) or TASKS
    }
    with (
        open_generator(settings.model, cache=settings.cache) as model,
        Journal(
            out,
            key=key_of(
                "tocot variants",
                settings,
                model=known_by(settings.model, model.backend.identity),
                items=items_key(settings.data, items),
            ),
            inputs=files_of(settings),
            overwrite=overwrite,
            wait=wait,
        ) as journal,
    ):
        return {
            task: ask_in_all_wordings(model, own, journal, folder=settings.prompts, budgets=budgets)
            for task, (own, _) in items.items()
        }


def ask_in_all_wordings(
    model: Generator,
    items: Sequence[TaskItem],
    journal: Journal,
    *,
    into: str = "",
    folder: Path | None = None,
    budgets: tuple[int, int] | None = None,
    deadline: float | None = None,
) -> ByWording:
    """Ask one task's items in every wording, into `<into><wording>/<task>.jsonl` of a run."""
    outputs = {}
    for name in VARIANTS:
        file = task_spec(items[0].task).file_name
        with open_outputs(journal, f"{into}{name}/{file}") as log:
            outputs[name] = run(
                model,
                items,
                ["zs_cot"],
                log,
                variant=name,
                folder=folder,
                budgets=budgets,
                deadline=deadline,
            )
            close_in_order(log, ["zs_cot"], items)
    return outputs


def variants_table(outputs: Mapping[str, Mapping[str, Sequence[Output]]]) -> list[dict[str, Any]]:
    """Accuracy of every wording, and their spread, one row a task.

    Parameters
    ----------
    outputs : by task and wording.
    """
    rows = []
    for task, by_wording in outputs.items():
        accuracies = {
            name: 100 * sum(bool(output.correct) for output in own) / len(own)
            for name, own in by_wording.items()
            if own
        }
        if accuracies:
            low, high = min(accuracies.values()), max(accuracies.values())
            best = [name for name, value in accuracies.items() if value == high]
            rows.append(
                {
                    "task": task,
                    "n": max(map(len, by_wording.values())),
                    **accuracies,
                    "min": low,
                    "max": high,
                    "spread": high - low,
                    "best": ", ".join(best),
                }
            )
    return rows
