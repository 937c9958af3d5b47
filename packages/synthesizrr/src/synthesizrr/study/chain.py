"""The whole chain from one file: each stage's output is a file, and what is there is not redone."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tenpapers.errors import UserError
from tenpapers.generation import Generator, open_generator
from tenpapers.journal import Journal, files_of, key_of, known_by
from tenpapers.models import load_tokenizer
from tenpapers.models.identity import identity_as_loaded
from tenpapers.records import read_json, write_json, write_jsonl
from tenpapers.report import Table

from ..filtering.cartography import Filter
from ..filtering.filter import filter_rows, final_sample
from ..inputs.seeds import sample_seeds
from ..inputs.task import Task, load_task
from ..inversion.fewgen import fewgen_inputs, fewgen_shots
from ..inversion.parse import ParseReport, parse
from ..inversion.teacher import generate, open_generations
from ..inversion.window import context_window
from ..records import (
    Example,
    Generation,
    IclRow,
    InputRow,
    Retrieved,
    Synthetic,
    TextRow,
    read_rows,
)
from ..scoring.data_sets import DataSet, read_set
from ..scoring.label_mix import shares
from ..scoring.measure import EvalConfig, Given, measure_all
from ..sourcing.pools import pools_of
from ..sourcing.retrieve import embed_corpus
from ..sourcing.retrievers import RetrieveSettings, retrieve_by
from ..students.classifiers import student_spec
from ..students.identity import known_encoder, known_student
from ..students.train import train_student
from .dataset_card import DATASET_FILES, write_dataset
from .model_stages import task_file
from .settings import RunConfig
from .tables import account_table, metrics_table, run_student_table

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

log = logging.getLogger(__name__)

# Files of the stages, in their order.
STAGE_FILES = (
    "seeds.jsonl",
    "retrieved.jsonl",
    "icl.jsonl",
    "inputs.jsonl",
    "report.json",
    "generations.jsonl",
    "generate.json",
    "synthetic.jsonl",
    "parse.json",
    "synthetic.filtered.jsonl",
    "cartography.jsonl",
    "metrics.json",
    "student.json",
)


def run_chain(
    config: RunConfig,
    out: Path,
    *,
    overwrite: bool = False,
    wait: bool = False,
    beside: Path = Path(),
) -> tuple[dict[str, Any], list[Table]]:
    """Every stage that is not done yet, in a folder of its own; gives a summary and tables.

    Raises
    ------
    UserError : the folder holds a run of another teacher, other settings or inputs; what the
        stages raise.
    """
    key = key_of(
        "synthesizrr run",
        config,
        teacher=known_by(config.teacher, identity_as_loaded(config.teacher)),
        **_known_models(config),
    )
    moved = config.at(beside)
    # Of embeddings the settings say enough: corpus and encoder stand there by content.
    files = [file / "meta.json" if file == moved.emb else file for file in files_of(moved)]
    inputs = [*files, task_file(moved.task)]
    with Journal(out, key=key, inputs=inputs, overwrite=overwrite, wait=wait) as journal:
        return run_stages(moved, journal)


def _known_models(config: RunConfig) -> dict[str, Any]:
    """Encoders and students that a run uses, by what they contain."""
    known: dict[str, Any] = {}
    if config.method != "fewgen" and config.retriever == "dense" and config.emb is None:
        known["encoder"] = known_encoder(config.encoder)
    if "mauve" in config.metrics:
        known["features"] = known_encoder(config.features)
    students = {
        "student": config.student,
        "oracle": config.oracle if "label-preservation" in config.metrics else None,
        "map_student": config.map_student if config.keep is not None else None,
    }
    return known | {name: known_student(value) for name, value in students.items() if value}


def run_stages(
    config: RunConfig, journal: Journal, into: str = "", teacher: Generator | None = None
) -> tuple[dict[str, Any], list[Table]]:
    """Every stage that is not done yet; gives a summary and tables.

    Parameters
    ----------
    into : folder below the run's, with its slash.
    teacher : None opens the one that the settings name.
    """
    task = load_task(config.task)
    chain = _Chain(config, task, journal, into, teacher)
    for name in (*STAGE_FILES, *(f"dataset/{name}" for name in DATASET_FILES)):
        chain.file(name)
    rows = chain.synthetic()
    problems: list[str] = []
    final = _unless(problems, lambda: chain.final(rows), rows)
    metrics: dict[str, Any] = _unless(problems, lambda: chain.metrics(final), {})
    # The data set before the student: what cannot be trained on is a data set all the same.
    chain.dataset(final, metrics, problems)
    student: dict[str, Any] = _unless(problems, lambda: chain.student(final), {})
    generated, parsed = (read_json(chain.out / f"{name}.json") for name in ("generate", "parse"))
    summary = {
        "rows": len(final),
        "parse": parsed,
        "requests": chain.requests | {"endings": generated["endings"]},
        "too_long": generated["too_long"],
        "problems": problems,
    } | {key: value for key, value in (("metrics", metrics), ("student", student)) if value}
    tables = [account_table(generated, parsed, len(final))]
    if metrics:
        tables.append(metrics_table(metrics, task.name))
    if student:
        tables.append(run_student_table(student))
    return summary, tables


Made = TypeVar("Made")


def _unless(problems: list[str], make: Callable[[], Made], otherwise: Made) -> Made:
    """What a stage makes; where it cannot, its reason is kept and the run goes on without."""
    try:
        return make()
    except UserError as error:
        problems.append(str(error))
        return otherwise


class _Chain:
    """The stages of one run, each kept in its files.

    A stage is done when all of it succeeded; while generations are missing, what is made of the
    others is made anew by the next run.
    """

    def __init__(
        self,
        config: RunConfig,
        task: Task,
        journal: Journal,
        into: str,
        teacher: Generator | None,
    ) -> None:
        self.config, self.task, self.teacher = config, task, teacher
        self.journal, self.into, self.out = journal, into, journal.root / into
        self.labels = list(task.labels)
        self.requests = {"asked": 0, "failed": 0}

    def file(self, name: str) -> Path:
        """A file of this run."""
        return self.journal.file(self.into + name)

    def seeds(self) -> list[Example]:
        config, file = self.config, self.file("seeds.jsonl")
        if self._lacks("seeds.jsonl"):
            if config.seeds is not None:
                rows = read_rows(config.seeds, Example, labels=self.labels)
            elif config.train is not None:
                rows = sample_seeds(
                    read_rows(config.train, Example, labels=self.labels),
                    config.per_class or self.task.seeds_per_class,
                    config.seed,
                    labels=self.labels,
                )
            else:
                raise _missing("train or seeds")
            write_jsonl(file, rows)
            self._finish("seeds.jsonl")
        return read_rows(file, Example)

    def retrieved(self) -> list[Retrieved]:
        config, file = self.config, self.file("retrieved.jsonl")
        if self._lacks("retrieved.jsonl"):
            seeds = self.seeds()
            if config.corpus is None:
                raise _missing("corpus")
            source = config.corpus
            if config.retriever == "dense":
                if config.emb is None:
                    source = self.journal.workspace(f"{self.into}emb")
                    embed_corpus(config.corpus, source, config.encoder)
                else:
                    source = config.emb
            settings = RetrieveSettings(
                docs=config.corpus,
                retriever=config.retriever,
                top_k=config.top_k,
                exclude=config.exclude,
                seed=config.seed,
            )
            found, leaks = retrieve_by(seeds, source, settings)
            if leaks:
                log.info("documents left out because they leak the test set: %s", leaks)
            write_jsonl(file, found)
            self._finish("retrieved.jsonl")
        return read_rows(file, Retrieved)

    def pools(self, tokenizer: "PreTrainedTokenizerBase") -> tuple[list[IclRow], list[InputRow]]:
        config, out = self.config, self.out
        stage = ("icl.jsonl", "inputs.jsonl", "report.json")
        if self._lacks(*stage):
            report: dict[str, Any]
            if config.method == "fewgen":
                icl = fewgen_shots(self.seeds(), self.task, tokenizer)
                inputs = fewgen_inputs(self.task, config.per_label or self.task.rows_per_class)
                report = {"inputs": len(inputs)}
            else:
                settings = config.pool_settings(config.method)
                icl, inputs, found = pools_of(self.retrieved(), self.task, settings, tokenizer)
                report = asdict(found)
            write_jsonl(out / "icl.jsonl", icl)
            write_jsonl(out / "inputs.jsonl", inputs)
            write_json(out / "report.json", report)
            self._finish(*stage)
        pool = read_rows(out / "icl.jsonl", IclRow) if config.generate.shots else []
        return pool, read_rows(out / "inputs.jsonl", InputRow)

    def generations(self) -> list[Generation]:
        config, file = self.config, self.out / "generations.jsonl"
        if self._lacks("generations.jsonl", "generate.json"):
            tokenizer = load_tokenizer(config.tokenizer or config.teacher)
            icl, inputs = self.pools(tokenizer)
            settings = replace(config.generate, mode=config.method)
            owned = self.teacher is None
            teacher = self.teacher or open_generator(config.teacher, cache=config.cache)
            try:
                with open_generations(self.journal, f"{self.into}generations.jsonl") as log:
                    counts = generate(
                        inputs,
                        icl,
                        self.task,
                        teacher,
                        settings,
                        log=log,
                        tokenizer=tokenizer,
                        window=context_window(config.teacher),
                        progress=f"generate, {self.out.name}",
                    )
            finally:
                if owned:
                    teacher.close()
            write_json(self.out / "generate.json", counts)
            self.requests = {name: counts[name] for name in self.requests}
            if not file.stat().st_size:
                asked, failed, too_long = (counts[n] for n in ("asked", "failed", "too_long"))
                told = f"no generation: {failed} of {asked} requests failed, {too_long} too long"
                raise UserError(told, "the same command asks again")
            self._finish("generations.jsonl", "generate.json")
        return read_rows(file, Generation)

    def synthetic(self) -> list[Synthetic]:
        config, file = self.config, self.out / "synthetic.jsonl"
        if self._lacks("synthetic.jsonl", "parse.json"):
            rows, report = parse(
                self.generations(),
                self.task,
                multi=config.multi,
                fewgen=config.method == "fewgen",
                deduplicate=config.deduplicate,
                truncated=config.truncated,
            )
            write_json(self.out / "parse.json", report.as_json())
            if not rows:
                raise UserError(f"no text came out: {report.sentence()}", "see generations.jsonl")
            write_jsonl(file, rows)
            self._finish("synthetic.jsonl", "parse.json")
        return read_rows(file, Synthetic)

    def final(self, rows: list[Synthetic]) -> list[Synthetic]:
        """Filtered, and drawn in the gold mix."""
        config = self.config
        if config.keep is not None:
            file = self.out / "synthetic.filtered.jsonl"
            if self._lacks("cartography.jsonl", file.name):
                found = filter_rows(
                    rows,
                    student_spec(config.map_student),
                    [Filter("confidence", top=config.keep)],
                    seed=config.seed,
                )
                write_jsonl(self.out / "cartography.jsonl", found.table)
                write_jsonl(file, found.rows)
                self._finish("cartography.jsonl", file.name)
            rows = read_rows(file, Synthetic)
        if config.train_rows is None:
            return rows
        gold = read_rows(config.train or self.out / "seeds.jsonl", TextRow)
        mix = shares([str(row.label) for row in gold])
        return final_sample(rows, mix, config.train_rows, seed=config.seed)

    def metrics(self, rows: Sequence[Synthetic]) -> dict[str, Any]:
        config = self.config
        if not config.metrics:
            return {}

        def measured() -> dict[str, Any]:
            given = Given(
                reference=read_set(config.test),
                gold=read_set(config.train),
                cache=self.journal.workspace(f"{self.into}features"),
            )
            settings = EvalConfig(
                metrics=config.metrics,
                features=config.features,
                oracle=config.oracle,
                seed=config.seed,
            )
            made = [TextRow(text=row.text, label=row.label) for row in rows]
            return measure_all([DataSet("synthetic.jsonl", made)], settings, given)

        return self._kept("metrics.json", measured)

    def student(self, rows: Sequence[Synthetic]) -> dict[str, Any]:
        config = self.config
        if config.student is None:
            return {}

        def trained() -> dict[str, Any]:
            if config.test is None:
                raise _missing("test")
            gold = read_rows(config.test, Example)
            spec = student_spec(str(config.student))
            return train_student(
                rows, gold, spec, config.runs, seed=config.seed, progress="student"
            ).as_json()

        return self._kept("student.json", trained)

    def dataset(
        self, rows: Sequence[Synthetic], metrics: dict[str, Any], problems: Sequence[str]
    ) -> None:
        """The finished folder with its card; made anew as long as a stage before it has failed."""
        if not self._lacks(*(f"dataset/{name}" for name in DATASET_FILES)):
            return
        facts = {
            "method": self.config.method,
            "teacher": self.config.teacher,
            "corpus": self.config.corpus.name if self.config.corpus else "none",
            "retriever": f"{self.config.retriever}, {self.config.encoder}",
            "shots": self.config.generate.shots,
            "sampling": f"temperature {self.config.generate.temperature}, "
            f"top_p {self.config.generate.top_p}, seed {self.config.seed}",
            "parsed": ParseReport.of(read_json(self.out / "parse.json")).sentence(),
        }
        if problems:
            facts["not done"] = "; ".join(problems)
        measured = metrics.get("synthetic.jsonl", {})
        names = ("n", "self_bleu", "length", "mauve")
        short = {name: measured[name] for name in names if name in measured}
        into = f"{self.into}dataset/"
        write_dataset(self.journal, into, rows, self.task, facts=facts, metrics=short)
        if not problems:
            self._finish(*(f"dataset/{name}" for name in DATASET_FILES))

    def _lacks(self, *names: str) -> bool:
        """Whether the stage of these files must run."""
        whole = self.journal.done(self.into + names[0])
        return not (whole and all((self.out / name).exists() for name in names))

    def _finish(self, *names: str) -> None:
        """Say that the stage of these files is done, unless rows are missing that it is made of."""
        if not self.requests["failed"]:
            self.journal.finish(self.into + names[0])

    def _kept(self, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        file = self.out / name
        if self._lacks(name):
            write_json(file, make())
            self._finish(name)
        found: dict[str, Any] = read_json(file)
        return found


def _missing(what: str) -> UserError:
    return UserError(f"config: {what} is missing", "name it in the run's YAML file")
