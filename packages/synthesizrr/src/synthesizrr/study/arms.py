"""The rows of the table: the sets of Gold, Seed and every arm, and the students of each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.generation import Generator
from tenpapers.journal import Journal
from tenpapers.records import read_json, write_json, write_jsonl

from ..filtering.filter import final_sample
from ..inputs.seeds import sample_seeds
from ..inputs.task import load_task
from ..records import Example, Synthetic, TextRow, read_rows
from ..scoring.data_sets import DataSet, equalized, read_set
from ..scoring.measure import EvalConfig, Given, measure_all
from ..sourcing.retrieve import embed_corpus
from ..students.classifiers import student_spec
from ..students.features import frozen_features
from ..students.train import train_student
from .chain import run_stages
from .news_split import split_news
from .settings import Arm, RunConfig, Study

Sets = dict[str, list[Synthetic]]
Results = dict[str, dict[str, Any]]


def study_data(study: Study, folder: Path | None, journal: Journal) -> dict[str, Path]:
    """Files of the study: gold, test, pool (of the seeds), corpus, and its embeddings `emb`."""
    if study.train and study.test and study.corpus:
        paths = {"gold": study.train, "test": study.test, "corpus": study.corpus}
        paths["pool"] = study.train
    else:
        paths = split_news(study, folder, journal)
    paths["emb"] = journal.workspace("data/emb")
    embed_corpus(paths["corpus"], paths["emb"], study.encoder)
    return paths


@dataclass(frozen=True)
class SeedRun:
    """All of the study with one seed.

    Parameters
    ----------
    sets : rows of every line of the table.
    requests : how many of each arm's requests failed and were asked.
    students : of every set, and fine-tuned ones of some.
    metrics, ablations : of the sets of the table at equal size, and of the ablations' beside Gold;
        how : they were made equal.
    generated, parsed : counts of each arm.
    """

    seed: int
    sets: Sets
    requests: dict[str, tuple[int, int]]
    students: Results
    metrics: Results
    ablations: Results
    how: str
    generated: Results
    parsed: Results


def run_seed(
    study: Study,
    arms: Sequence[Arm],
    paths: dict[str, Path],
    folder: Path | None,
    journal: Journal,
    teacher: Generator,
) -> SeedRun:
    """Seeds, arms, students and metrics with the study's seed, in `seed-N/` of the run.

    Raises
    ------
    UserError : what the stages raise.
    """
    into = f"seed-{study.seed}/"
    seeds = journal.file(f"{into}seeds.jsonl")
    labels = list(load_task(study.task).labels)
    drawn = sample_seeds(
        read_rows(paths["pool"], Example), study.seeds_per_class, study.seed, labels=labels
    )
    write_jsonl(seeds, drawn)
    paths = paths | {"seeds": seeds}
    made = make_sets(study, arms, paths, folder, journal, into, teacher)
    students = train_all(study, made, paths["test"], journal, into)
    # Ablations are measured apart: the smallest set decides the size at which sets are compared.
    extra = {arm.name for arm in study.ablations}
    main = {name: rows for name, rows in made.sets.items() if name not in extra}
    metrics, how = measure_sets(study, main, paths)
    beside = {name: rows for name, rows in made.sets.items() if name == "Gold" or name in extra}
    ablations = measure_sets(study, beside, paths)[0] if len(beside) > 1 else {}
    asked = [arm for arm in arms if arm.name in made.requests]
    generated, parsed = (
        {arm.name: read_json(journal.root / into / arm.folder / f"{name}.json") for arm in asked}
        for name in ("generate", "parse")
    )
    return SeedRun(
        study.seed,
        made.sets,
        made.requests,
        students,
        metrics,
        ablations,
        how,
        generated,
        parsed,
    )


@dataclass(frozen=True)
class Made:
    """Rows of every line of the table; how many of each arm's requests failed and were asked."""

    sets: Sets
    requests: dict[str, tuple[int, int]]

    @property
    def partial(self) -> set[str]:
        """Arms that lack rows: what is made of them is made anew by the next run."""
        return {name for name, (failed, _) in self.requests.items() if failed}


def make_sets(
    study: Study,
    arms: Sequence[Arm],
    paths: dict[str, Path],
    folder: Path | None,
    journal: Journal,
    into: str,
    teacher: Generator,
) -> Made:
    """Rows of every line of the table: Gold of the same size, Seed, and the arms."""
    labels = list(load_task(study.task).labels)
    size = study.prompts_per_class * len(labels)
    gold = [_as_row(row) for row in read_rows(paths["gold"], Example)]
    mix = {label: 1 / len(labels) for label in labels}
    sets = {
        "Gold": final_sample(gold, mix, size, seed=study.seed, allow_off=True),
        "Seed": [_as_row(row) for row in read_rows(paths["seeds"], Example)],
    }
    requests = {}
    for arm in arms:
        config = arm_config(study, arm, paths, folder)
        if config is None:
            continue
        place = f"{into}{arm.folder}/"
        summary, _ = run_stages(config, journal, place, teacher)
        if summary["problems"]:
            raise UserError(f"{arm.name}: {'; '.join(summary['problems'])}")
        told = summary["requests"]
        requests[arm.name] = told["failed"], told["asked"]
        name = "synthetic.jsonl" if arm.keep is None else "synthetic.filtered.jsonl"
        sets[arm.name] = read_rows(journal.root / place / name, Synthetic)
    return Made(sets, requests)


def _as_row(row: Example) -> Synthetic:
    return Synthetic(id=row.id, text=row.text, label=row.label)


def arm_config(
    study: Study, arm: Arm, paths: dict[str, Path], folder: Path | None
) -> RunConfig | None:
    """Settings of an arm's chain; None where its corpus is not at hand."""
    corpus = paths["corpus"]
    if arm.corpus is not None:
        if folder is None:
            return None
        corpus = folder / f"{arm.corpus}.jsonl.gz"
    first, last = study.ranks
    # Of another corpus even the nearest documents are far.
    window = (0.0, study.range[1]) if arm.corpus else study.range
    return RunConfig.model_validate(
        {
            "task": study.task,
            "seeds": paths["seeds"].resolve(),
            "corpus": corpus.resolve(),
            "emb": None if arm.corpus else paths["emb"].resolve(),
            "method": arm.method,
            "teacher": study.teacher,
            "encoder": study.encoder,
            "retriever": arm.retriever,
            "top_k": last,
            "ranks": list(range(first, last + 1)),
            "icl_range": study.icl_range,
            "range": window,
            "context_tokens": study.context_tokens,
            "per_label": study.prompts_per_class,
            "generate": replace(study.generate, shots=arm.shots),
            "keep": arm.keep,
            "truncated": study.truncated,
            "map_student": study.map_student,
            "metrics": [],
            "student": None,
            "seed": study.seed,
        }
    )


def train_all(study: Study, made: Made, test: Path, journal: Journal, into: str) -> Results:
    """A student of every set, kept in `students.json`; and a fine-tuned one of some."""
    file, sets = journal.file(f"{into}students.json"), made.sets
    kept: Results = read_json(file) if file.exists() else {}
    done = dict(kept)
    gold = read_rows(test, Example)
    for name, rows in sets.items():
        jobs = [(name, study.student, study.runs)]
        if study.finetuned and name in study.finetuned_arms:
            jobs.append((f"{name}, {study.finetuned}", study.finetuned, 1))
        for key, recipe, runs in jobs:
            if key in done:
                continue
            spec = student_spec(recipe)
            found = train_student(
                rows, gold, spec, runs, seed=study.seed, curve=False, progress=recipe
            )
            done[key] = found.as_json()
            if name not in made.partial:
                kept[key] = done[key]
                write_json(file, kept)
    return {key: result for key, result in done.items() if key.partition(",")[0] in sets}


def measure_sets(study: Study, sets: Sets, paths: dict[str, Path]) -> tuple[Results, str]:
    """Metrics of all sets at equal size and label mix, and how they were made equal."""
    named = [
        DataSet(name, [TextRow(text=row.text, label=row.label) for row in rows])
        for name, rows in sets.items()
    ]
    cut, how = equalized(named, study.seed)
    n = len(cut[0].rows)
    metrics = ["length", "self-bleu", "entity", "label-preservation"]
    if n >= 20:
        metrics.append("mauve")
    config = EvalConfig(
        metrics=metrics,
        features=study.features,
        oracle=study.oracle,
        nlp=study.nlp,
        num_buckets=max(2, min(30, n // 10)),
        seed=study.seed,
    )
    given = Given(
        reference=read_set(paths["test"]),
        gold=read_set(paths["gold"]),
        features=frozen_features(study.features),
    )
    return measure_all(cut, config, given), how
