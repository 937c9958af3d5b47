"""Patching and knockout of the study's trained adapters; every result is kept once it is there."""

from __future__ import annotations

from typing import Any

from tenpapers.records import read_json

from ..heads.head_sets import THRESHOLD
from ..heads.score_files import HeadScores
from ..interventions.knockout_sweep import settings_for, sweep, sweep_rows
from ..interventions.patching import two_adapters
from ..interventions.patching_arms import patch_study
from ..interventions.write_results import write_once
from ..scoring.example_rows import ExampleRows
from ..training.tuned_model import load_base, put_on
from .runs import REAL
from .variants import TaskStudy


def patch_adapters(task: TaskStudy) -> list[dict[str, Any]]:
    """Activations of Real-Full in every synthetic variant that the study patches."""
    found, journal = [], task.journal
    for variant in task.study.patch:
        stage = f"{task.place}/{variant}/patch.json"
        if not journal.done(stage):
            scores = [f"{task.place}/{name}/heads.json" for name in (variant, REAL)]
            if not all(journal.done(score) for score in scores):
                continue
            lm = two_adapters(load_base(task.base), task.folder / variant, task.folder / REAL)
            mine, real = (HeadScores.load(journal.root / score) for score in scores)
            with journal.rows(f"{stage}.partial.jsonl") as log:
                result = patch_study(
                    lm,
                    task.test[: task.study.patch_examples],
                    mine.mean,
                    real.mean,
                    seed=task.seed,
                    threshold=THRESHOLD,
                    kept=ExampleRows(log),
                    progress=True,
                )
            named = {"name": variant, "task": task.name, "seed": task.seed}
            write_once(journal, stage, named | result)
        found.append(read_json(journal.root / stage))
    return found


def knock_adapters(task: TaskStudy) -> list[dict[str, Any]]:
    """Answers of trained adapters with their own best heads off, against random heads."""
    found, journal = [], task.journal
    test = task.test[: task.study.patch_examples]
    for variant in task.study.knock:
        stage = f"{task.place}/{variant}/knockout.json"
        if not journal.done(stage):
            if not journal.done(f"{task.place}/{variant}/heads.json"):
                continue
            scores = HeadScores.load(task.folder / variant / "heads.json")
            seeds = range(task.study.control_seeds)
            settings = settings_for(scores.mean, task.study.ks, seeds, threshold=THRESHOLD)
            lm = put_on(load_base(task.base), task.folder / variant)
            with journal.rows(f"{stage}.partial.jsonl") as log:
                kept = ExampleRows(log)
                swept = sweep(lm.model, lm.tokenizer, test, settings, kept=kept, progress=True)
            content = {
                "name": f"{task.name}, {variant}, seed {task.seed}",
                "kind": "zero",
                "scope": "all",
                "n": len(test),
                "rows": sweep_rows(swept),
            }
            write_once(journal, stage, content)
        found.append(read_json(journal.root / stage))
    return found
