"""The study: recorded pairs, literature, solvers, and a live model; one report."""

import time
from pathlib import Path

from tenpapers import data
from tenpapers.journal import Journal, files_of, key_of, known_by
from tenpapers.models.identity import identity_as_loaded
from tenpapers.paper import load_paper
from tenpapers.report import REPORT_FILES, manifest, print_report, write_report
from tenpapers.settings import as_config

from .claims import judged_claims
from .live_parts import live_part
from .recorded_parts import (
    equals_part,
    groups_part,
    literature_of,
    literature_part,
    recorded_cells,
    solver_part,
)
from .settings import StudySettings, with_named_model
from .tables import Body, Results, claim_table


def reproduce(
    study: StudySettings,
    out: Path,
    *,
    scale: str = "cpu",
    overwrite: bool = False,
    wait: bool = False,
) -> None:
    """Run all parts and write report, table, figures and JSON; a killed run goes on.

    Raises
    ------
    UserError : `out` holds a study of another model, other settings or data; what the parts raise.
    """
    study = with_named_model(study)
    folder = data.folder_or_hint("tocot")
    model = known_by(study.model, identity_as_loaded(study.model)) if study.model else None
    with Journal(
        out,
        key=key_of("tocot reproduce", study, model=model),
        inputs=[*files_of(study), folder],
        overwrite=overwrite,
        wait=wait,
    ) as journal:
        journal.claim(*REPORT_FILES)
        _run_parts(study, folder, journal, scale)


def _run_parts(study: StudySettings, folder: Path | None, journal: Journal, scale: str) -> None:
    began = time.monotonic()
    paper = load_paper("tocot")
    meta = literature_of(study)
    recorded = recorded_cells(study, folder)
    results: Results = {}
    parts: Body = [_intro(study, folder)]
    parts += groups_part(journal, recorded, meta, study, results)
    parts += equals_part(journal, recorded, results)
    parts += literature_part(journal, meta, paper, results)
    parts += solver_part(folder, results)
    parts += live_part(journal, study, results)
    results["claims"] = judged_claims(paper, results)
    parts.append(claim_table(paper, results["claims"]))
    details = manifest(
        as_config(study),
        seed=study.seed,
        began=began,
        tokens=int(results.get("live", {}).get("new_tokens", 0)),
        data=sorted(folder.glob("replay/*.gz")) if folder else [],
    )
    title = f"To CoT or not to CoT, {scale} scale"
    write_report(journal.root, title, parts, results=results, manifest=details)
    print_report(parts, journal.root, time.monotonic() - began)


def _intro(study: StudySettings, folder: Path | None) -> str:
    if folder is None:
        return (
            "No real data is at hand: recorded pairs and solvers are left out; the live part "
            f"asks {study.model or 'nobody'} the package's own small questions."
        )
    return (
        "Recorded pairs of text-davinci-002 (zero-shot, 12 tasks) and code-davinci-002 (few-shot, "
        "27 tasks), graded by our gold-blind extractor; published comparisons; solvers; live: "
        f"{study.model or 'no model was asked'}."
    )
