"""The whole study: variants, heads, correlation, knockout, patching, report."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from tenpapers.records import write_json, write_jsonl
from tenpapers.report import claim_folder, manifest, print_report, write_report
from tenpapers.settings import as_config

from ..records import without_nan
from .adapter_interventions import knock_adapters, patch_adapters
from .planted_part import planted_part
from .settings import Study
from .study_report import study_body
from .variants import open_task, run_variants
from .verdicts import StudyRun, claims

# What a study writes besides its report.
PARTS = ("data", "runs", "planted", "runs.jsonl", "knockout.json", "patch.json", "adapters.json")


def reproduce(out: Path, study: Study, *, title: str, overwrite: bool = False) -> None:
    """Run the study and write its report into `out`; a killed run goes on where it was.

    Raises
    ------
    UserError : wrong settings, or `out` holds a study of other settings.
    """
    began = time.monotonic()
    config = as_config(study)
    claim_folder(out, config, overwrite=overwrite, parts=PARTS)
    planted = planted_part(study, out)
    runs: list[StudyRun] = []
    patches: list[dict[str, Any]] = []
    knocked: list[dict[str, Any]] = []
    for kind in study.tasks if study.world == "real" else [None]:
        task = open_task(study, kind, out)
        runs += run_variants(task)
        patches += patch_adapters(task)
        knocked += knock_adapters(task)
    write_jsonl(out / "runs.jsonl", runs)
    write_json(out / "patch.json", without_nan(patches))
    write_json(out / "adapters.json", without_nan(knocked))
    body, verdicts = study_body(runs, planted.knockout, patches, out / "study.png", knocked)
    paragraphs = [part for part in (planted.paragraph, _described(study)) if part]
    report = ["\n\n".join(paragraphs), *body]
    results = {
        "runs": [run.model_dump() for run in runs],
        "knockout": planted.knockout,
        "patch": patches,
        "adapters": knocked,
        "verdicts": [verdict.shown() for verdict in verdicts],
        "claims": claims(verdicts),
    }
    details = manifest(config, seed=study.seed, began=began, data=planted.read)
    write_report(out, title, report, results=without_nan(results), manifest=details)
    print_report(report, out, time.monotonic() - began)


def _described(study: Study) -> str:
    """What the variants were trained and tested on."""
    context = study.train.context_tokens
    if study.world == "real":
        return f"Variants: {study.model}, {context} tokens."
    return (
        "Part B: a tiny pre-trained Llama (3 layers of 4 heads), its context extended from 64 to "
        f"{context} tokens and its attention tuned on each variant of a toy world; no number of it "
        "says anything about a large model."
    )
