"""The whole study: variants, heads, correlation, knockout, patching, report."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from tenpapers import data
from tenpapers.journal import Journal
from tenpapers.records import write_json, write_jsonl
from tenpapers.report import REPORT_FILES, manifest, print_report, write_report
from tenpapers.settings import as_config

from ..records import without_nan
from .adapter_interventions import knock_adapters, patch_adapters
from .planted_part import planted_part, planted_source
from .runs import StudyRun
from .settings import Study
from .study_report import study_body
from .variants import open_task, run_variants
from .verdicts import claims


def reproduce(journal: Journal, study: Study, *, title: str) -> None:
    """Run the study and write its report; a killed run goes on where it was.

    Parameters
    ----------
    journal : of the study's folder, see `open_study`.

    Raises
    ------
    UserError : wrong settings.
    """
    began, out = time.monotonic(), journal.root
    config = as_config(study)
    planted = planted_part(study, journal)
    runs: list[StudyRun] = []
    patches: list[dict[str, Any]] = []
    knocked: list[dict[str, Any]] = []
    for kind in study.tasks if study.world == "real" else [None]:
        for seed in range(study.seed, study.seed + study.seeds):
            task = open_task(study, kind, seed, journal)
            runs += run_variants(task)
            patches += patch_adapters(task)
            knocked += knock_adapters(task)
    write_jsonl(journal.file("runs.jsonl"), runs)
    write_json(journal.file("patch.json"), without_nan(patches))
    write_json(journal.file("adapters.json"), without_nan(knocked))
    picture = journal.file("study.png")
    body, verdicts = study_body(runs, planted.knockout, patches, picture, knocked)
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
    journal.claim(*REPORT_FILES)
    write_report(out, title, report, results=without_nan(results), manifest=details)
    print_report(report, out, time.monotonic() - began)


def open_study(out: Path, study: Study, *, overwrite: bool, wait: bool) -> Journal:
    """Open the journal of a study's folder; says first how to get the published data.

    Raises
    ------
    UserError : the folder holds another study, or another process works there.
    """
    if study.planted:
        data.folder_or_hint("retrievalheads")
    inputs = [*study.files(), *([planted_source()] if planted_source().is_file() else [])]
    return Journal(out, key=study.key(), inputs=inputs, overwrite=overwrite, wait=wait)


def _described(study: Study) -> str:
    """What the variants were trained and tested on."""
    context = study.train.context_tokens
    if study.world == "real":
        return f"Variants: {study.model}, {context} tokens."
    return (
        "Part B: a tiny pre-trained Llama (4 layers of 8 heads), its context extended from 64 to "
        f"{context} tokens and its attention tuned on each variant of a toy world, with "
        f"{study.seeds} seeds of data and training; no number of it says anything about a large "
        "model."
    )
