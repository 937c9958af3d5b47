"""The study: data, arms, students, metrics, claims. Every arm's stages stay on disk."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tenpapers import data
from tenpapers.generation import Generator, open_generator
from tenpapers.journal import Journal, files_of, key_of, known_by
from tenpapers.models.identity import identity_as_loaded
from tenpapers.paper import judged, load_paper
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
from ..students.identity import known_encoder, known_student
from .arms import SeedRun, run_seed, study_data
from .claims import compare_arms, numbered, over_seeds, verdicts
from .figures import data_map, self_bleu_figure
from .real_sets import compare_real_sets
from .settings import Arm, Study
from .tables import accounts, row_numbers, student_table, study_table

Body = list[str | Table | Picture]


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
    models = {name: known_encoder(getattr(study, name)) for name in ("encoder", "features")}
    models |= {name: known_student(getattr(study, name)) for name in ("student", "oracle")}
    with (
        Journal(
            out,
            key=key_of("synthesizrr reproduce", study, teacher=teacher, **models),
            inputs=[*files_of(study), folder],
            overwrite=overwrite,
            wait=wait,
        ) as journal,
        open_generator(study.teacher, cache=False) as engine,
    ):
        journal.claim(*REPORT_FILES)
        return _run_parts(study, folder, journal, engine, scale=scale, full=full)


def _run_parts(
    study: Study,
    folder: Path | None,
    journal: Journal,
    teacher: Generator,
    *,
    scale: str,
    full: bool,
) -> tuple[int, int]:
    began, out = time.monotonic(), journal.root
    arms = [*study.arms, *(study.ablations if full else [])]
    paths = study_data(study, folder, journal)
    real_body, real = compare_real_sets(study, folder, journal)
    runs = [
        run_seed(replace(study, seed=seed), arms, paths, folder, journal, teacher)
        for seed in range(study.seed, study.seed + study.seeds)
    ]
    rows = {run.seed: {name: len(made) for name, made in run.sets.items()} for run in runs}
    numbers = {run.seed: row_numbers(run.students, run.metrics) for run in runs}
    n = min(run.metrics["Gold"]["n"] for run in runs)
    how = f"{runs[0].how}, {n} rows or more"
    table = study_table(study, rows, numbers, how)
    journal.claim("self_bleu.png", "self_bleu.csv")
    figure = self_bleu_figure(
        out / "self_bleu.png",
        _mean_self_bleu(runs),
        f"Self-BLEU at {n} rows each, mean of {len(runs)} seeds",
    )
    chosen = arms_of_the_claims(study.arms)
    claims = over_seeds({seed: compare_arms(found, *chosen) for seed, found in numbers.items()})
    body: Body = [_intro(study, folder), table, figure, "\n".join(numbered(claims)), _caution(n)]
    body += _ablations(study, runs, rows)
    body += real_body
    body += [table for run in runs for table in student_table(run.students, run.seed)]
    body += [accounts(runs), *_maps(arms, runs, journal), *_failures(runs)]
    results = {
        "claims": judged(load_paper("synthesizrr"), verdicts(claims)),
        "real": real,
        "seeds": {
            str(run.seed): {
                "metrics": run.metrics,
                "students": run.students,
                "ablations": run.ablations,
                "generate": run.generated,
                "parse": run.parsed,
            }
            for run in runs
        },
    }
    details = manifest(
        as_config(study),
        seed=study.seed,
        began=began,
        data=list(paths.values()),
        tokens=sum(count["output_tokens"] for run in runs for count in run.generated.values()),
    )
    write_report(out, f"SynthesizRR, {scale} scale", body, results=results, manifest=details)
    print_report(body, out, time.monotonic() - began)
    requests = [pair for run in runs for pair in run.requests.values()]
    failed, asked = (sum(column) for column in zip((0, 0), *requests, strict=True))
    return failed, asked


def _mean_self_bleu(runs: Sequence[SeedRun]) -> dict[str, dict[str, float]]:
    """Self-BLEU of every set and order, the mean over the seeds."""
    return {
        name: {
            order: sum(run.metrics[name]["self_bleu"][order] for run in runs) / len(runs)
            for order in found["self_bleu"]
        }
        for name, found in runs[0].metrics.items()
    }


def arms_of_the_claims(arms: Sequence[Arm]) -> tuple[str, str]:
    """The two arms that the claims compare: RetrICL, and FewGen with the most shots."""
    ours = next(arm.name for arm in arms if arm.method == "retricl" and arm.shots)
    few = [arm for arm in arms if arm.method == "fewgen"]
    return ours, max(few, key=lambda arm: arm.shots).name


def _ablations(
    study: Study, runs: Sequence[SeedRun], rows: Mapping[int, Mapping[str, int]]
) -> Body:
    """Table of the ablations beside Gold, at a size of its own."""
    if not runs[0].ablations:
        return []
    numbers = {run.seed: row_numbers(run.students, run.ablations) for run in runs}
    n = min(run.ablations["Gold"]["n"] for run in runs)
    table = study_table(study, rows, numbers, f"{runs[0].how}, {n} rows or more")
    return [Table("Ablations", table.columns, table.rows, table.note)]


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


def _caution(n: int) -> str:
    return (
        f"At {n} rows a set these are tendencies, not measurements: Self-BLEU, entropy and MAUVE "
        "all depend on N, and a small teacher follows the instructions only in part."
    )


def _failures(runs: Sequence[SeedRun]) -> Body:
    lines = [
        f"{name}, seed {run.seed}: {failed} of {asked} requests failed; the next run asks them "
        "again."
        for run in runs
        for name, (failed, asked) in run.requests.items()
        if failed
    ]
    return ["\n".join(lines)] if lines else []


def _maps(arms: Sequence[Arm], runs: Sequence[SeedRun], journal: Journal) -> Body:
    found: Body = []
    for arm in arms:
        if arm.keep is not None and arm.name in runs[0].sets:
            folder = journal.root / f"seed-{runs[0].seed}" / arm.folder
            rows = read_rows(folder / "cartography.jsonl", CartographyRow)
            found.append(data_map(journal.file("data_map.png"), rows, f"Data map: {arm.name}"))
    return found
