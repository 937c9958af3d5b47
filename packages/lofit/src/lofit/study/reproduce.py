"""The study: baselines, both steps, random-head controls, overlap of two tasks."""

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from tenpapers import data
from tenpapers.journal import Journal
from tenpapers.models import CausalLM, HeadGeometry, load_causal_lm
from tenpapers.paper import load_paper
from tenpapers.report import REPORT_FILES, Picture, Table, manifest, print_report, write_report
from tenpapers.settings import as_config

from ..heads.overlap import Overlap, overlap
from ..heads.ranking import HeadRanking, default_k
from ..inputs.load_task import data_folder, load_task, with_training_size
from .arms import Arm, run_task
from .claims import judge, sentences
from .figures import layers_figure
from .settings import Study
from .tables import task_table
from .two_steps import choose_heads


def reproduce(journal: Journal, study: Study, *, scale: str) -> None:
    """Run the study and write its report; killed, it goes on, and finished parts are reused.

    Parameters
    ----------
    journal : of the study's folder, see `open_study`.
    scale : where the settings are from, for the title.

    Raises
    ------
    UserError : wrong settings; items that got no answer.
    """
    began, out = time.monotonic(), journal.root
    lm = load_causal_lm(study.model)
    paper = load_paper("lofit")
    shape = HeadGeometry.from_config(lm.model.config)
    k = study.k or default_k(shape, study.share)
    body: list[str | Table | Picture] = [_introduction(study, shape, k)]
    tasks: dict[str, list[Arm]] = {}
    read: list[Path] = []
    rankings: dict[str, list[HeadRanking]] = {}
    for name in study.tasks:
        for fold in (0, 1) if name == "truthfulqa" else (0,):
            task = study.load_task(name, fold=fold)
            read += task.files
            label = f"{name}, fold {fold}" if name == "truthfulqa" else name
            place = label.replace(", ", "-")
            arms, ranked = run_task(lm, task, study, k, journal, place)
            rankings.setdefault(name, ranked)
            tasks[label] = arms
            body += [task_table(label, arms, task, study=study, k=k, paper=paper)]
            body += sentences(arms)
    if study.second_ranking:
        rankings[study.second_ranking] = [
            second_ranking(lm, study, seed, journal) for seed in study.seeds
        ]
    results: dict[str, Any] = {"k": k}
    for label, arms in tasks.items():
        results[label] = {arm.name: asdict(arm) for arm in arms}
    shared: Overlap | None = None
    if len(rankings) > 1:
        sets = {name: [one.top(k) for one in ranked] for name, ranked in rankings.items()}
        shared = overlap(sets, shape.n_layers * shape.n_heads)
        results["overlap"] = asdict(shared)
        picture = journal.file("heads_per_layer.png")
        title = f"Selected heads per layer, mean of {len(study.seeds)} seeds"
        body += [shared.sentence(), layers_figure(picture, sets, shape.n_layers, title)]
    results["claims"] = judge(paper, tasks, shared)
    details = manifest(as_config(study), seed=study.seeds[0], began=began, data=read)
    journal.claim(*REPORT_FILES)
    write_report(out, f"LoFiT, {scale} scale", body, results=results, manifest=details)
    print_report(body, out, time.monotonic() - began)


def open_study(
    out: Path, study: Study, *, seed: int | None, overwrite: bool, wait: bool
) -> tuple[Journal, Study]:
    """Open the journal of a study's folder, and give the study as it is run.

    Parameters
    ----------
    seed : the first of LoFiT's; the others follow it.

    Raises
    ------
    UserError : the folder holds another study, or another process works there.
    """
    if not study.data:  # said before any model is fetched to know it by its content
        data.folder_or_hint("lofit")
    if seed is not None:
        study = replace(study, seeds=[seed + later for later in range(len(study.seeds))])
    inputs = study.inputs()
    journal = Journal(out, key=study.key(), inputs=inputs, overwrite=overwrite, wait=wait)
    return journal, study


def _introduction(study: Study, shape: HeadGeometry, k: int) -> str:
    share = 100 * k / (shape.n_layers * shape.n_heads)
    return (
        f"Model: {study.model}. {shape.n_layers} layers of {shape.n_heads} heads; offsets on {k} "
        f"({share:.0f} %). Data: {study.data or described(data_folder())}. "
        f"Settings: {study.settings}, {study.epochs} epochs a step."
    )


def described(folder: Path) -> str:
    """Say where the data is from, without naming a folder of this machine."""
    if folder.name == "mini":
        return "the small sets that ship with this package (no real data was at hand)"
    return "the published files"


def second_ranking(lm: CausalLM, study: Study, seed: int, journal: Journal) -> HeadRanking:
    """Step 1 on another task, on few examples and in one epoch, for the comparison of heads."""
    task = load_task(study.second_ranking, Path(study.data) if study.data else None)
    few = with_training_size(task, study.second_size, seed)
    config = replace(study.select(task.name, seed), epochs=1)
    return choose_heads(lm, few, config, journal, f"{task.name}-heads-{seed}")
