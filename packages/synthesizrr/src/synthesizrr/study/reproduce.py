"""The study: data, arms, students, metrics, claims. Every arm's stages stay on disk."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tenpapers import data
from tenpapers.journal import Journal, files_of, key_of, known_by
from tenpapers.models.identity import identity_as_loaded
from tenpapers.paper import judged, load_paper
from tenpapers.records import read_json
from tenpapers.report import (
    REPORT_FILES,
    Picture,
    Table,
    manifest,
    print_report,
    write_report,
)
from tenpapers.settings import as_config

from ..records import CartographyRow, read_rows
from .arms import Made, Sets, make_sets, measure_sets, study_data, train_all
from .claims import compare_arms, numbered, verdicts
from .figures import data_map, self_bleu_figure
from .real_sets import compare_real_sets
from .settings import Arm, Study
from .tables import row_numbers, student_table, study_table

Body = list[str | Table | Picture]
Results = dict[str, dict[str, Any]]


def reproduce(
    study: Study,
    out: Path,
    *,
    scale: str = "cpu",
    full: bool = False,
    overwrite: bool = False,
    wait: bool = False,
) -> tuple[int, int]:
    """Run the study and write report, table, figure and JSON; a killed run goes on.

    Parameters
    ----------
    scale : as the report's title names it.
    full : also the ablations, in the same folder.

    Returns
    -------
    Requests of this run that failed, and those that it asked.

    Raises
    ------
    UserError : `out` holds a study of another teacher, other settings or data; what the stages
        raise.
    """
    folder = data.folder_or_hint("synthesizrr")
    teacher = known_by(study.teacher, identity_as_loaded(study.teacher))
    with Journal(
        out,
        key=key_of("synthesizrr reproduce", study, teacher=teacher),
        inputs=[*files_of(study), folder],
        overwrite=overwrite,
        wait=wait,
    ) as journal:
        journal.claim(*REPORT_FILES)
        return _run_parts(study, folder, journal, scale=scale, full=full)


def _run_parts(
    study: Study, folder: Path | None, journal: Journal, *, scale: str, full: bool
) -> tuple[int, int]:
    began, out = time.monotonic(), journal.root
    arms = [*study.arms, *(study.ablations if full else [])]
    paths = study_data(study, folder, journal)
    real_body, real = compare_real_sets(study, folder, journal)
    made = make_sets(study, arms, paths, folder, journal)
    sets = made.sets
    students = train_all(study, made, paths["test"], journal)
    # Ablations are measured apart: the smallest set decides the size at which sets are compared.
    extra = {arm.name for arm in study.ablations}
    main = {name: rows for name, rows in sets.items() if name not in extra}
    metrics, how = measure_sets(study, main, paths)
    table = study_table(study, sets, students, metrics, how)
    journal.claim("self_bleu.png", "self_bleu.csv")
    figure = self_bleu_figure(
        out / "self_bleu.png",
        {name: found["self_bleu"] for name, found in metrics.items()},
        f"Self-BLEU at {metrics['Gold']['n']} rows each",
    )
    claims = compare_arms(row_numbers(students, metrics), *arms_of_the_claims(study.arms))
    lines = "\n".join(numbered(claims))
    body: Body = [_intro(study, folder), table, figure, lines, _caution(metrics)]
    ablation_body, ablations = _ablations(study, sets, students, extra, paths)
    body += [*ablation_body, *real_body, *student_table(students), *_maps(arms, journal)]
    body += _failures(made)
    results = {
        "metrics": metrics,
        "students": students,
        "claims": judged(load_paper("synthesizrr"), verdicts(claims)),
        "real": real,
        "ablations": ablations,
        "parse": {arm.name: read_json(out / arm.folder / "parse.json") for arm in arms},
    }
    counts = [read_json(out / arm.folder / "generate.json") for arm in arms]
    details = manifest(
        as_config(study),
        seed=study.seed,
        began=began,
        data=list(paths.values()),
        tokens=sum(count.get("output_tokens", 0) for count in counts),
    )
    write_report(out, f"SynthesizRR, {scale} scale", body, results=results, manifest=details)
    print_report(body, out, time.monotonic() - began)
    failed, asked = (sum(column) for column in zip((0, 0), *made.requests.values(), strict=True))
    return failed, asked


def arms_of_the_claims(arms: Sequence[Arm]) -> tuple[str, str]:
    """The two arms that the claims compare: RetrICL, and FewGen with the most shots."""
    ours = next(arm.name for arm in arms if arm.method == "retricl" and arm.shots)
    few = [arm for arm in arms if arm.method == "fewgen"]
    return ours, max(few, key=lambda arm: arm.shots).name


def _ablations(
    study: Study, sets: Sets, students: Results, extra: set[str], paths: dict[str, Path]
) -> tuple[Body, Results]:
    """Table of the ablations beside Gold, at a size of its own."""
    chosen = {name: rows for name, rows in sets.items() if name == "Gold" or name in extra}
    if len(chosen) < 2:
        return [], {}
    metrics, how = measure_sets(study, chosen, paths)
    table = study_table(study, chosen, students, metrics, how)
    return [Table("Ablations", table.columns, table.rows, table.note)], metrics


def _intro(study: Study, folder: Path | None) -> str:
    source = "the published test rows of AG News"
    if study.train:
        source = f"{study.train}, {study.corpus}"
    elif folder is None:
        source = "made-up news of this package, as no real rows were at hand"
    return (
        f"Teacher: {study.teacher}. Data: {source}. {study.seeds_per_class} seeds and "
        f"{study.prompts_per_class} prompts a label and method; retrieval with {study.encoder}."
    )


def _caution(metrics: Results) -> str:
    n = metrics["Gold"]["n"]
    return (
        f"At {n} rows a set these are tendencies, not measurements: Self-BLEU, entropy and MAUVE "
        "all depend on N, and a small teacher follows the instructions only in part."
    )


def _failures(made: Made) -> Body:
    lines = [
        f"{name}: {failed} of {asked} requests failed; the next run asks them again."
        for name, (failed, asked) in made.requests.items()
        if failed
    ]
    return ["\n".join(lines)] if lines else []


def _maps(arms: Sequence[Arm], journal: Journal) -> Body:
    found: Body = []
    for arm in arms:
        if arm.keep is not None:
            rows = read_rows(journal.root / arm.folder / "cartography.jsonl", CartographyRow)
            found.append(data_map(journal.file("data_map.png"), rows, f"Data map: {arm.name}"))
    return found
