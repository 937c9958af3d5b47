"""The parts of the study that ask a model: tasks, plans, wordings."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tenpapers import data
from tenpapers.generation import Generator, open_generator
from tenpapers.journal import Journal

from ..answering.cue_wordings import ask_in_all_wordings, variants_table
from ..answering.output_log import close_in_order, open_outputs
from ..answering.run import run
from ..inputs.demonstrations import task_items
from ..inputs.load import own_items
from ..records import Output
from ..scoring.cell_numbers import group_table, merged_parts
from ..scoring.cell_tests import cell_tests
from ..scoring.equals_sign import equals_by_task
from ..scoring.pairs import cells
from ..scoring.score_responses import score_output
from ..solvers.plan_study import plan_study, plan_table
from .settings import StudySettings
from .tables import (
    Body,
    Results,
    cell_table,
    group_rows,
    mapping_table,
    plan_settings_table,
)


@dataclass(frozen=True)
class Live:
    """A live part under way: where it writes, what it was told, whom it asks, until when."""

    journal: Journal
    study: StudySettings
    model: Generator
    deadline: float | None


def live_part(journal: Journal, study: StudySettings, results: Results) -> Body:
    """Ask the study's model; "" for the model leaves this part out."""
    if not study.model:
        return []
    deadline = time.monotonic() + study.time_budget if study.time_budget else None
    with open_generator(study.model) as model:
        live = Live(journal, study, model, deadline)
        body = live_tasks(live, results) + live_plans(live, results) + live_wordings(live, results)
    if deadline is not None and time.monotonic() > deadline:
        body.append("The time budget ended before all live items were asked: partial tables.")
    return body


def live_tasks(live: Live, results: Results) -> Body:
    """Ask the study's tasks; without published data the package's own small questions."""
    study = live.study
    own = own_items() if data.folder("tocot") is None else {}
    outputs: list[Output] = []
    for task in own or study.tasks:
        items, demos = task_items(task, own.get(task), study.n, study.seed, study.settings)
        settings = [name for name in study.settings if demos or not name.startswith("fs")]
        with open_outputs(live.journal, f"live/{task}.jsonl") as log:
            outputs += run(
                live.model,
                items,
                settings,
                log,
                style=study.style,
                demos=demos,
                budgets=study.budgets,
                small_window=study.small_window,
                deadline=live.deadline,
            )
            close_in_order(log, settings, items)
    found = [cell for cell in cells([score_output(row, {}) for row in outputs]) if cell.direct]
    if not found:
        return []
    rows = cell_tests(found, policy="guess", resamples=study.resamples, seed=study.seed)
    results["live"] = {
        "cells": rows,
        "equals": {name: part.as_json() for name, part in equals_by_task(found).items()},
        "new_tokens": sum(row.new_tokens for row in outputs),
    }
    return [
        cell_table(found, "wrong"),
        mapping_table(rows, "Live cells, unparseable: guess"),
        group_rows(group_table(merged_parts(found), "five"), "Groups of tasks, live", rows),
        "\n".join(cell_sentence(row) for row in rows),
    ]


def cell_sentence(row: Mapping[str, Any]) -> str:
    """Whether a live cell claims anything: only if its interval leaves out 0."""
    inside = row["ci_low"] <= 0 <= row["ci_high"]
    said = "covers 0: no claim" if inside else "does not cover 0"
    return (
        f"{row['task']}: {row['delta']:+.1f} points (n = {row['n']}), the 95 % interval "
        f"{row['ci_low']:+.1f} to {row['ci_high']:+.1f} {said}."
    )


def live_plans(live: Live, results: Results) -> Body:
    """Tell planning and execution apart on the study's tasks."""
    if data.folder("tocot") is None:
        return []
    study = live.study
    outputs: dict[str, list[Output]] = {}
    forms = ["fs_cot"] if study.plan_few_shot else []
    # Where time is short, the solver's setting of every task comes before the others.
    for settings in (["da", "cot"], ["plan_tool"], ["plan_direct"], ["plan_cot"]):
        for task in study.plan_tasks:
            items, demos = task_items(task, None, study.plan_n, study.seed, forms)
            with open_outputs(live.journal, f"plans/{task}.jsonl") as log:
                outputs[task] = plan_study(
                    live.model,
                    items,
                    settings,
                    log,
                    demos=demos,
                    budget=study.plan_budget,
                    budgets=study.budgets,
                    deadline=live.deadline,
                )
    rows = [row for own in outputs.values() for row in plan_table(own)]
    results["plans"] = rows
    return [plan_settings_table(rows, "Planning and execution (live)")] if rows else []


def live_wordings(live: Live, results: Results) -> Body:
    """Ask the study's tasks in every wording of the cue."""
    study = live.study
    if not study.wordings:
        return []
    outputs = {}
    for task in study.wordings:
        items, _ = task_items(task, None, study.wording_n, study.seed, [])
        outputs[task] = ask_in_all_wordings(
            live.model,
            items,
            live.journal,
            into="live/",
            budgets=study.budgets,
            deadline=live.deadline,
        )
    rows = variants_table(outputs)
    results["wordings"] = rows
    return [mapping_table(rows, "Wordings of the zero-shot cue")] if rows else []
