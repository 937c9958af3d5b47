"""The study: data, arms, students, metrics, claims. Every arm's stages stay on disk."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tenpapers.generation import open_generator
from tenpapers.records import read_json, write_json, write_jsonl
from tenpapers.report import (
    Picture,
    Table,
    claim_folder,
    manifest,
    print_report,
    write_report,
)

from ..filtering.filter import final_sample
from ..inputs.seeds import sample_seeds
from ..inputs.task import load_task
from ..records import CartographyRow, Example, Synthetic, TextRow, read_rows
from ..scoring.measure import DataSet, EvalConfig, Given, equalized, measure, measure_all, read_sets
from ..sourcing.retrieve import embed_corpus
from ..students.classifiers import frozen_vectors, student_spec
from ..students.train import StudentResult, train_student
from .chain import RunConfig, run_chain
from .claims import RowNumbers, llm_written, verdicts
from .figures import data_map, self_bleu_figure
from .settings import Arm, Study, data_folder, read_study, split_slice

Body = list[str | Table | Picture]
# Real sets of the first stage: file, a field and its value, name in the table.
REAL = (
    ("ag_news", None, None, "AG News (human)"),
    ("amazon_humor", "label", "humorous", "humorous questions (human)"),
    ("movie_sentences", "source", "mr", "movie sentences (human)"),
    ("imdb_llm_synthetic", "round", "1", "LLM-written reviews 1"),
    ("imdb_llm_synthetic", "round", "2", "LLM-written reviews 2"),
)


def reproduce(
    out: Path,
    *,
    scale: str = "cpu",
    config: Path | None = None,
    model: str | None = None,
    seed: int | None = None,
    limit: int | None = None,
    full: bool = False,
    overwrite: bool = False,
) -> None:
    """Run the study and write report, table, figure and JSON; a killed run goes on.

    Parameters
    ----------
    limit : prompts of each label and arm.
    full : also the ablations.

    Raises
    ------
    UserError : `out` holds a study of other settings; what the stages raise.
    """
    began = time.monotonic()
    study = read_study(scale, config, model=model, seed=seed, limit=limit)
    folder = data_folder()
    arms = [*study.arms, *(study.ablations if full else [])]
    names = [_folder(arm) for arm in [*study.arms, *study.ablations]]
    claim_folder(
        out,
        study.model_dump(mode="json"),
        overwrite=overwrite,
        parts=["data", "real.json", "students.json", *names],
    )
    paths = _data(study, folder, out / "data")
    real = real_sets(study, folder, out)
    sets = make_sets(study, arms, paths, folder, out)
    students = train_all(study, sets, paths["test"], out)
    # Ablations are measured apart: the smallest set decides the size at which sets are compared.
    extra = {arm.name for arm in study.ablations}
    metrics, how = measure_sets(
        study, {name: rows for name, rows in sets.items() if name not in extra}, paths
    )
    table = study_table(study, sets, students, metrics, how)
    figure = self_bleu_figure(
        out / "self_bleu.png",
        {name: found["self_bleu"] for name, found in metrics.items()},
        f"Self-BLEU at {metrics['Gold']['n']} rows each",
    )
    numbers = row_numbers(students, metrics)
    ours, theirs = _pair(study.arms)
    lines = verdicts(numbers, ours, theirs)
    body: Body = [_intro(study, folder), table, figure, "\n".join(lines), _caution(metrics)]
    more = _ablations(study, sets, students, extra, paths)
    body += more[0]
    body += real[0]
    body += _finetuned(students)
    body += _maps(arms, out)
    results = {
        "metrics": metrics,
        "students": students,
        "claims": lines,
        "real": real[1],
        "ablations": more[1],
        "parse": {arm.name: read_json(out / _folder(arm) / "parse.json") for arm in arms},
    }
    tokens = sum(
        read_json(out / _folder(arm) / "generate.json").get("output_tokens", 0) for arm in arms
    )
    details = manifest(
        study.model_dump(mode="json"),
        seed=study.seed,
        began=began,
        data=list(paths.values()),
        tokens=tokens,
    )
    write_report(out, f"SynthesizRR, {scale} scale", body, results=results, manifest=details)
    print_report(body, out, time.monotonic() - began)


def _data(study: Study, folder: Path | None, out: Path) -> dict[str, Path]:
    """Gold, test, corpus and seeds of the study."""
    if study.train and study.test and study.corpus:
        paths = {"gold": study.train, "test": study.test, "corpus": study.corpus}
        pool = study.train
    else:
        paths = split_slice(study, folder, out)
        pool = paths.pop("pool")
    paths["seeds"], paths["emb"] = out / "seeds.jsonl", out / "emb"
    embed_corpus(paths["corpus"], paths["emb"], study.encoder)
    rows = read_rows(pool, Example)
    labels = list(load_task(study.task).labels)
    seeds = sample_seeds(rows, study.seeds_per_class, study.seed, labels=labels)
    write_jsonl(paths["seeds"], seeds)
    return paths


def real_sets(
    study: Study, folder: Path | None, out: Path
) -> tuple[Body, dict[str, dict[str, Any]]]:
    """Stage one: Self-BLEU of real sets, human and LLM-written, at equal N."""
    if folder is None:
        return ["Real data sets are not compared: the published slices are not at hand."], {}
    file = out / "real.json"
    if not file.exists():
        sets = []
        for name, key, value, title in REAL:
            rows = read_rows(folder / f"{name}.jsonl.gz", TextRow)
            part = [row for row in rows if key is None or str(_get(row, key)) == value]
            sets.append(DataSet(title, part))
        config = EvalConfig(metrics=("self-bleu", "length"), seed=study.seed)
        least = min(study.compare_rows, *(len(one.rows) for one in sets))
        cut = [
            one.take(np.random.default_rng(study.seed).choice(len(one.rows), least, replace=False))
            for one in sets
        ]
        write_json(file, {one.name: measure(one, config, Given()) for one in cut})
    found: dict[str, dict[str, Any]] = read_json(file)
    fives = {name: 100 * one["self_bleu"]["5"] for name, one in found.items()}
    cells: list[list[Any]] = [
        [
            name,
            one["n"],
            *(100 * one["self_bleu"][str(n)] for n in range(1, 6)),
            one["length"]["words"]["mean"],
        ]
        for name, one in found.items()
    ]
    columns = ["data set", "n", *(f"Self-BLEU-{n}" for n in range(1, 6)), "words"]
    written = [name for name in found if name.startswith("LLM")]
    return [
        Table("Real data sets at equal size", columns, cells),
        llm_written(fives, "AG News (human)", written),
    ], found


def _get(row: TextRow, key: str) -> Any:
    return row.label if key == "label" else row.unknown.get(key)


def make_sets(
    study: Study, arms: Sequence[Arm], paths: dict[str, Path], folder: Path | None, out: Path
) -> dict[str, list[Synthetic]]:
    """Rows of every line of the table: Gold of the same size, Seed, and the arms."""
    task = load_task(study.task)
    size = study.prompts_per_class * len(task.labels)
    gold = [_as_row(row) for row in read_rows(paths["gold"], Example)]
    mix = {label: 1 / len(task.labels) for label in task.labels}
    sets = {
        "Gold": final_sample(gold, mix, size, seed=study.seed, allow_off=True),
        "Seed": [_as_row(row) for row in read_rows(paths["seeds"], Example)],
    }
    with open_generator(study.teacher, cache=False) as teacher:
        for arm in arms:
            config = _run_config(study, arm, paths, folder)
            if config is None:
                continue
            run_chain(config, out / _folder(arm), teacher=teacher)
            name = "synthetic.jsonl" if arm.keep is None else "synthetic.filtered.jsonl"
            sets[arm.name] = read_rows(out / _folder(arm) / name, Synthetic)
    return sets


def _as_row(row: Example) -> Synthetic:
    return Synthetic(id=row.id, text=row.text, label=row.label)


def _run_config(
    study: Study, arm: Arm, paths: dict[str, Path], folder: Path | None
) -> RunConfig | None:
    """Settings of an arm's chain; None where its corpus is not at hand."""
    corpus = paths["corpus"]
    if arm.corpus is not None:
        if folder is None:
            return None
        corpus = folder / f"{arm.corpus}.jsonl.gz"
    first, last = study.ranks
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
            "generate": study.generate.model_copy(update={"shots": arm.shots}),
            "keep": arm.keep,
            "map_student": study.map_student,
            "metrics": [],
            "student": None,
            "seed": study.seed,
        }
    )


def _folder(arm: Arm) -> str:
    return "-".join(arm.name.lower().split()).replace("/", "-")


def train_all(
    study: Study, sets: dict[str, list[Synthetic]], test: Path, out: Path
) -> dict[str, dict[str, Any]]:
    """A student of every set, kept in `students.json`; and a fine-tuned one of some."""
    file = out / "students.json"
    done: dict[str, dict[str, Any]] = read_json(file) if file.exists() else {}
    gold = read_rows(test, Example)
    for name, rows in sets.items():
        jobs = [(name, study.student, study.runs)]
        if study.finetuned and name in study.finetuned_arms:
            jobs.append((f"{name}, {study.finetuned}", study.finetuned, 1))
        for key, recipe, runs in jobs:
            if key not in done:
                found = _student(rows, gold, recipe, runs, study.seed)
                done[key] = found.as_json()
                write_json(file, done)
    return {key: one for key, one in done.items() if key.partition(",")[0] in sets}


def _student(
    rows: Sequence[Synthetic], gold: Sequence[Example], recipe: str, runs: int, seed: int
) -> StudentResult:
    return train_student(
        rows, gold, student_spec(recipe), runs, seed=seed, curve=False, progress=recipe
    )


def measure_sets(
    study: Study, sets: dict[str, list[Synthetic]], paths: dict[str, Path]
) -> tuple[dict[str, Any], str]:
    """Metrics of all sets at equal size and label mix."""
    named = [
        DataSet(name, [TextRow(text=row.text, label=row.label) for row in rows])
        for name, rows in sets.items()
    ]
    cut, how = equalized(named, study.seed)
    n = len(cut[0].rows)
    metrics = ["length", "self-bleu", "entity", "label-preservation"]
    buckets = max(2, min(30, n // 10))
    if n >= 20:
        metrics.append("mauve")
    config = EvalConfig(
        metrics=metrics,
        features=study.features,
        oracle=study.oracle,
        nlp=study.nlp,
        num_buckets=buckets,
        seed=study.seed,
    )
    given = Given(reference=read_sets([paths["test"]])[0], gold=read_sets([paths["gold"]])[0])
    given.tools["features"] = frozen_vectors(study.features)
    return measure_all(cut, config, given), how


def row_numbers(students: dict[str, Any], metrics: dict[str, Any]) -> dict[str, RowNumbers]:
    """The numbers that the claims are about, in percent."""
    return {
        name: RowNumbers(
            self_bleu=100 * found["self_bleu"]["5"],
            entropy=found.get("entity_entropy_mean"),
            mauve=100 * found["mauve"]["value"] if "mauve" in found else None,
            accuracy=100 * students[name]["mean"],
            std=None if students[name]["std"] is None else 100 * students[name]["std"],
            preservation=100 * found["label_preservation"]["accuracy"],
        )
        for name, found in metrics.items()
    }


def study_table(
    study: Study, sets: dict[str, Any], students: dict[str, Any], metrics: dict[str, Any], how: str
) -> Table:
    """The paper's table A, one task's column, with the intrinsic metrics beside it."""
    numbers = row_numbers(students, metrics)
    rows: list[list[Any]] = [
        [
            name,
            len(sets[name]),
            one.accuracy,
            one.std,
            None,
            one.self_bleu,
            one.entropy,
            one.mauve,
            one.preservation,
        ]
        for name, one in numbers.items()
    ]
    columns = [
        "method",
        "rows",
        f"{study.task} accuracy",
        "std",
        "paper: accuracy",
        "Self-BLEU-5",
        "entity entropy (bits)",
        "MAUVE (factor 1)",
        "label preservation",
    ]
    note = (
        f"Accuracy in percent of {study.student} students on real test rows, mean of {study.runs} "
        f"runs on all rows of a set. The other metrics at {how}: {metrics['Gold']['n']} rows; "
        "entity entropy is the mean over the types that all sets have. The paper's numbers could "
        "not be confirmed, so there are none."
    )
    return Table("Data sets and students", columns, rows, note)


def _ablations(
    study: Study,
    sets: dict[str, list[Synthetic]],
    students: dict[str, Any],
    extra: set[str],
    paths: dict[str, Path],
) -> tuple[Body, dict[str, Any]]:
    """Table of the ablations beside Gold, at a size of its own."""
    chosen = {name: rows for name, rows in sets.items() if name == "Gold" or name in extra}
    if len(chosen) < 2:
        return [], {}
    metrics, how = measure_sets(study, chosen, paths)
    table = study_table(study, chosen, students, metrics, how)
    return [Table("Ablations", table.columns, table.rows, table.note)], metrics


def _pair(arms: Sequence[Arm]) -> tuple[str, str]:
    """The two arms that the claims compare: RetrICL, and FewGen with the most shots."""
    ours = next(arm.name for arm in arms if arm.method == "retricl" and arm.shots)
    few = [arm for arm in arms if arm.method == "fewgen"]
    return ours, max(few, key=lambda arm: arm.shots).name


def _intro(study: Study, folder: Path | None) -> str:
    data = "the shipped slice of AG News (shared/data/synthesizrr)"
    if study.train:
        data = f"{study.train}, {study.corpus}"
    elif folder is None:
        data = "made-up news of this package, as no real rows were at hand"
    return (
        f"Teacher: {study.teacher}. Data: {data}. {study.seeds_per_class} seeds and "
        f"{study.prompts_per_class} prompts a label and method; retrieval with {study.encoder}."
    )


def _caution(metrics: dict[str, Any]) -> str:
    n = metrics["Gold"]["n"]
    return (
        f"At {n} rows a set these are tendencies, not measurements: Self-BLEU, entropy and MAUVE "
        "all depend on N, and a small teacher follows the instructions only in part."
    )


def _finetuned(students: dict[str, Any]) -> Body:
    rows: list[list[Any]] = [
        [key, one["n_train"], 100 * one["mean"]] for key, one in students.items() if "," in key
    ]
    if not rows:
        return []
    return [Table("Fine-tuned students (one run)", ["set, student", "rows", "accuracy"], rows)]


def _maps(arms: Sequence[Arm], out: Path) -> Body:
    found: Body = []
    for arm in arms:
        if arm.keep is not None:
            rows = read_rows(out / _folder(arm) / "cartography.jsonl", CartographyRow)
            found.append(data_map(out / "data_map.png", rows, f"Data map: {arm.name}"))
    return found
