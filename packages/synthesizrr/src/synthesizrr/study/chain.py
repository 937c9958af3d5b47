"""The whole chain from one file: each stage's output is a file, and what is there is not redone."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenpapers.errors import UserError
from tenpapers.generation import Generator, open_generator
from tenpapers.models import load_tokenizer
from tenpapers.records import read_json, write_json, write_jsonl
from tenpapers.report import Table, claim_folder

from ..filtering.cartography import Filter
from ..filtering.filter import filter_rows, final_sample
from ..inputs.seeds import sample_seeds
from ..inputs.task import Task, load_task
from ..inversion.fewgen import fewgen_inputs, fewgen_shots
from ..inversion.parse import parse
from ..inversion.teacher import generate
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
from ..students.train import train_student
from .dataset_card import write_dataset
from .settings import RunConfig
from .tables import metrics_table

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

log = logging.getLogger(__name__)

# Files of the stages, in their order.
STAGES = (
    "seeds.jsonl",
    "emb",
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
    "dataset",
    "metrics.json",
    "student.json",
)


def run_chain(
    config: RunConfig,
    out: Path,
    *,
    overwrite: bool = False,
    beside: Path = Path(),
    teacher: Generator | None = None,
) -> tuple[dict[str, Any], list[Table]]:
    """Every stage whose file is not there yet; gives a summary and tables.

    Raises
    ------
    UserError : the folder holds a run of other settings; what the stages raise.
    """
    claim_folder(out, config.model_dump(mode="json"), overwrite=overwrite, parts=STAGES)
    config = config.at(beside)
    task = load_task(config.task)
    chain = _Chain(config, task, out, teacher)
    rows = chain.synthetic()
    final = chain.final(rows)
    metrics = chain.metrics(final)
    student = chain.student(final)
    chain.dataset(final, metrics)
    summary = {"rows": len(final), "parse": read_json(out / "parse.json")} | {
        key: value for key, value in (("metrics", metrics), ("student", student)) if value
    }
    tables = []
    if metrics:
        tables.append(metrics_table(metrics, task.name))
    if student:
        cells = [
            student["student"]["name"],
            student["n_train"],
            100 * student["mean"],
            None if student["std"] is None else 100 * student["std"],
        ]
        tables.append(Table("Student", ["student", "rows", "accuracy", "std"], [cells]))
    return summary, tables


class _Chain:
    """The stages of one run, each kept in a file."""

    def __init__(self, config: RunConfig, task: Task, out: Path, teacher: Generator | None) -> None:
        self.config, self.task, self.out, self.teacher = config, task, out, teacher
        self.labels = list(task.labels)

    def seeds(self) -> list[Example]:
        config, file = self.config, self.out / "seeds.jsonl"
        if not file.exists():
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
        return read_rows(file, Example)

    def retrieved(self) -> list[Retrieved]:
        config, file = self.config, self.out / "retrieved.jsonl"
        if not file.exists():
            seeds = self.seeds()
            if config.corpus is None:
                raise _missing("corpus")
            source = config.corpus
            if config.retriever == "dense":
                source = config.emb or self.out / "emb"
                if config.emb is None:
                    embed_corpus(config.corpus, source, config.encoder)
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
        return read_rows(file, Retrieved)

    def pools(self, tokenizer: "PreTrainedTokenizerBase") -> tuple[list[IclRow], list[InputRow]]:
        config, out = self.config, self.out
        if self._lacks("icl.jsonl", "inputs.jsonl", "report.json"):
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
        pool = read_rows(out / "icl.jsonl", IclRow) if config.generate.shots else []
        return pool, read_rows(out / "inputs.jsonl", InputRow)

    def generations(self) -> list[Generation]:
        config, file = self.config, self.out / "generations.jsonl"
        if self._lacks("generations.jsonl", "generate.json"):  # counts are written at the end
            tokenizer = load_tokenizer(config.tokenizer or config.teacher)
            icl, inputs = self.pools(tokenizer)
            settings = replace(config.generate, mode=config.method)
            owned = self.teacher is None
            teacher = self.teacher or open_generator(config.teacher, cache=config.cache)
            try:
                counts = generate(
                    inputs,
                    icl,
                    self.task,
                    teacher,
                    settings,
                    out=file,
                    tokenizer=tokenizer,
                    progress=f"generate, {self.out.name}",
                )
            finally:
                if owned:
                    teacher.close()
            write_json(self.out / "generate.json", counts)
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
            )
            write_jsonl(file, rows)
            write_json(self.out / "parse.json", asdict(report) | {"rates": report.rates})
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
                cache=self.out,
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

    def dataset(self, rows: Sequence[Synthetic], metrics: dict[str, Any]) -> None:
        """The finished folder with its card."""
        if (self.out / "dataset").exists():
            return
        facts = {
            "method": self.config.method,
            "teacher": self.config.teacher,
            "corpus": self.config.corpus.name if self.config.corpus else "none",
            "retriever": f"{self.config.retriever}, {self.config.encoder}",
            "shots": self.config.generate.shots,
            "sampling": f"temperature {self.config.generate.temperature}, "
            f"top_p {self.config.generate.top_p}, seed {self.config.seed}",
            "parsed": read_json(self.out / "parse.json"),
        }
        measured = metrics.get("synthetic.jsonl", {})
        names = ("n", "self_bleu", "length", "mauve")
        short = {name: measured[name] for name in names if name in measured}
        write_dataset(self.out / "dataset", rows, self.task, facts=facts, metrics=short)

    def _lacks(self, *names: str) -> bool:
        """Whether a file of a stage is missing, so that the stage must run."""
        return not all((self.out / name).exists() for name in names)

    def _kept(self, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        file = self.out / name
        if not file.exists():
            write_json(file, make())
        found: dict[str, Any] = read_json(file)
        return found


def _missing(what: str) -> UserError:
    return UserError(f"config: {what} is missing", "name it in the run's YAML file")
