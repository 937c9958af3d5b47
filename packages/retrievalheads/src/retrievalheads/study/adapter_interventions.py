"""Patching and knockout of the study's trained adapters; every result is kept once it is there."""

from __future__ import annotations

from typing import Any

from tenpapers.records import read_json, write_json

from ..heads.head_sets import THRESHOLD
from ..heads.score_files import HeadScores
from ..interventions.knockout_sweep import settings_for, sweep, sweep_rows
from ..interventions.patching import two_adapters
from ..interventions.patching_arms import patch_study
from ..records import without_nan
from ..scoring.kept_scores import KeptValues, text_digest
from ..training.tuned_model import load_base, put_on
from .variants import TaskStudy
from .verdicts import REAL


def patch_adapters(task: TaskStudy) -> list[dict[str, Any]]:
    """Activations of Real-Full in every synthetic variant that the study patches."""
    found = []
    source = task.folder / REAL
    for variant in task.study.patch:
        folder = task.folder / variant
        file = folder / "patch.json"
        if not file.exists():
            scores = [folder / "heads.json", source / "heads.json"]
            if not all(score.exists() for score in scores):
                continue
            lm = two_adapters(load_base(task.base), folder, source)
            mine, real = (HeadScores.load(score) for score in scores)
            result = patch_study(
                lm,
                task.test[: task.study.patch_examples],
                mine.mean,
                real.mean,
                seed=task.study.seed,
                threshold=THRESHOLD,
                progress=True,
            )
            write_json(file, without_nan({"name": variant} | result))
        found.append(read_json(file))
    return found


def knock_adapters(task: TaskStudy) -> list[dict[str, Any]]:
    """Answers of trained adapters with their own best heads off, against random heads."""
    found = []
    test = task.test[: task.study.patch_examples]
    for variant in task.study.knock:
        folder = task.folder / variant
        file = folder / "knockout.json"
        if not file.exists():
            if not (folder / "heads.json").exists():
                continue
            scores = HeadScores.load(folder / "heads.json")
            seeds = range(task.study.control_seeds)
            settings = settings_for(scores.mean, task.study.ks, seeds, threshold=THRESHOLD)
            lm = put_on(load_base(task.base), folder)
            key = text_digest(f"{variant} {settings}")
            with KeptValues.beside(file, key, resume=True) as kept:
                swept = sweep(lm.model, lm.tokenizer, test, settings, kept=kept, progress=True)
            content = {
                "name": f"{task.name}, {variant}",
                "kind": "zero",
                "scope": "all",
                "n": len(test),
                "rows": sweep_rows(swept),
            }
            write_json(file, without_nan(content))
        found.append(read_json(file))
    return found
