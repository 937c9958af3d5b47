"""One stage from its files to its files, as the commands run them; each gives what to report."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from tenpapers.journal import Journal
from tenpapers.records import write_json, write_jsonl

from ..filtering.filter import FilterSettings, filtered_set, final_sample
from ..inputs.documents import write_shards
from ..inputs.published_corpora import CorpusSettings, open_corpus
from ..inputs.published_datasets import prepare
from ..inputs.task import load_task
from ..inversion.parse import ParseReport, ParseSettings, parse
from ..records import Example, Generation, Retrieved, Synthetic, read_rows
from ..scoring.data_sets import equalized, read_set, read_sets
from ..scoring.label_mix import shares
from ..scoring.measure import EvalConfig, Given, measure_all
from ..sourcing.pools import PoolReport, PoolSettings, pools_of
from ..sourcing.retrievers import RetrieveSettings, retrieve_by
from ..students.classifiers import student_spec
from ..students.train import StudentResult, train_student
from .dataset_card import DATASET_FILES, write_dataset

TASK = typer.Option(help="A task's name, or your YAML file.")


def prepare_dataset(
    name: str, source: Path | None, journal: Journal, *, task: str | None
) -> dict[str, int]:
    """Write `train.jsonl`, `validation.jsonl`, `test.jsonl`; gives the rows of each."""
    return {
        split: write_jsonl(journal.file(f"{split}.jsonl"), rows)
        for split, rows in prepare(name, source, task=task).items()
    }


def prepare_corpus(name: str, settings: CorpusSettings, journal: Journal) -> dict[str, int]:
    """Write `docs-00000.jsonl.gz`, ...; gives the numbers of documents and shards."""
    from tqdm import tqdm

    corpus = open_corpus(name, settings.src, settings.domains)
    documents = tqdm(corpus, desc=name, unit="doc")
    count, shards = write_shards(journal.file, documents, settings.shard_size)
    return {"documents": count, "shards": shards}


def fetch(seeds: Path, source: Path, settings: RetrieveSettings, out: Path) -> dict[str, Any]:
    """Write `retrieved.jsonl`; gives counts of seeds, results and excluded documents."""
    found, leaks = retrieve_by(read_rows(seeds, Example), source, settings)
    write_jsonl(out, found)
    results = sum(len(row.results) for row in found)
    return {"seeds": len(found), "results": results, "excluded": leaks}


@dataclass(frozen=True, kw_only=True)
class BuildSettings(PoolSettings):
    """The pools, and whose tokens are counted."""

    task: Annotated[str, TASK]
    tokenizer: Annotated[str, typer.Option(help="The teacher's: model spec or folder.")] = "smollm2"


def build(retrieved: Path, settings: BuildSettings, journal: Journal) -> PoolReport:
    """Write `icl.jsonl`, `inputs.jsonl` and `report.json`."""
    from tenpapers.models import load_tokenizer

    task = load_task(settings.task)
    rows = read_rows(retrieved, Retrieved, labels=list(task.labels))
    icl, inputs, report = pools_of(rows, task, settings, load_tokenizer(settings.tokenizer))
    write_jsonl(journal.file("icl.jsonl"), icl)
    write_jsonl(journal.file("inputs.jsonl"), inputs)
    write_json(journal.file("report.json"), asdict(report))
    return report


@dataclass(frozen=True, kw_only=True)
class ParseFileSettings(ParseSettings):
    """Which texts are kept, of which task, and whether they become a `datasets` folder."""

    task: Annotated[str, TASK]
    dataset: Annotated[Path | None, typer.Option(help="Also write a `datasets` folder there.")] = (
        None
    )


def parse_file(generations: Path, settings: ParseFileSettings, out: Path) -> ParseReport:
    """Write `synthetic.jsonl`, and the data set with its card where one is asked for.

    Raises
    ------
    UserError : the data set's folder has files of such names that are not ours.
    """
    if settings.dataset is not None:
        with _dataset_journal(settings.dataset) as journal:
            journal.claim(*DATASET_FILES)
    task = load_task(settings.task)
    rows = read_rows(generations, Generation, labels=list(task.labels))
    texts, report = parse(
        rows,
        task,
        multi=settings.multi,
        fewgen=settings.fewgen,
        deduplicate=settings.deduplicate,
        truncated=settings.truncated,
    )
    write_jsonl(out, texts)
    if settings.dataset is not None:
        told = {"teacher": "model", "shots": "shots_used", "temperature": "temperature"}
        told |= {"top_p": "top_p", "seed": "seed"}
        facts = {name: _all_of(rows, field) for name, field in told.items()}
        facts["parsed"] = report.sentence()
        with _dataset_journal(settings.dataset) as journal:
            write_dataset(journal, "", texts, task, facts=facts)
    return report


def _all_of(rows: Sequence[Generation], field: str) -> str:
    """What all rows have of a field: files of several runs may lie in one."""
    return ", ".join(sorted({str(getattr(row, field)) for row in rows}))


def _dataset_journal(folder: Path) -> Journal:
    return Journal.once(folder / DATASET_FILES[0], command="synthesizrr parse --dataset")


def filter_file(synthetic: Path, settings: FilterSettings, journal: Journal) -> dict[str, int]:
    """Write `synthetic.filtered.jsonl` and `cartography.jsonl`; gives the numbers of rows."""
    rows = read_rows(synthetic, Synthetic)
    names = ("synthetic.filtered.jsonl", "cartography.jsonl")
    path, table = (journal.file(name) for name in names)
    if not journal.done("filter"):
        found = filtered_set(rows, settings)
        write_jsonl(table, found.table)
        write_jsonl(path, found.rows)
        journal.finish("filter")
    return {"rows": len(rows), "kept": len(read_rows(path, Synthetic))}


@dataclass(frozen=True)
class TrainSettings:
    """Which student is trained, and on which rows."""

    student: Annotated[
        str,
        typer.Option(
            help="deberta-v3-large, deberta-v3-base, bert, distilbert, distilbert-attrprompt, "
            "minilm, tinybert, probe, hf:ID, probe:ENCODER."
        ),
    ] = "deberta-v3-large"
    runs: Annotated[int, typer.Option(help="Seeds.", min=1)] = 5
    search: Annotated[
        bool, typer.Option("--search", help="Choose rate and batch by validation accuracy.")
    ] = False
    validation: Annotated[Path | None, typer.Option(help="Rows for --search [20 % of SYNTH].")] = (
        None
    )
    lr: Annotated[float | None, typer.Option(help="Learning rate [the recipe's].")] = None
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the rows [the recipe's].", min=1)
    ] = None
    max_length: Annotated[
        int | None, typer.Option(help="Tokens that the student reads [512].", min=8)
    ] = None
    limit: Annotated[
        int | None, typer.Option("-n", "--limit", help="Train on N rows in TEST's mix.", min=1)
    ] = None
    seed: Annotated[int, typer.Option(help="Seed of every random choice.")] = 42


def train_file(
    synthetic: Path, test: Path, settings: TrainSettings, journal: Journal
) -> StudentResult:
    """Train a student on one file, grade it on another and write `student.json`."""
    spec = student_spec(
        settings.student,
        lr=settings.lr,
        epochs=settings.epochs,
        max_length=settings.max_length,
    )
    rows, gold = read_rows(synthetic, Synthetic), read_rows(test, Example)
    if settings.limit is not None:
        mix = shares([row.label for row in gold])
        rows = final_sample(rows, mix, settings.limit, seed=settings.seed)
    held = read_set(settings.validation)
    path = journal.file("student.json")
    found = train_student(
        rows,
        gold,
        spec,
        settings.runs,
        seed=settings.seed,
        validation=None if held is None else held.labelled_rows,
        search=settings.search,
        progress=settings.student,
    )
    write_json(path, found.as_json())
    return found


@dataclass(frozen=True)
class Besides:
    """Files beside those that are measured.

    Parameters
    ----------
    reference : human texts.
    gold : gold training rows.
    limit : only so many rows of each file that is measured: the first, or drawn in the common
        label mix where sets are made equal.
    """

    reference: Path | None = None
    gold: Path | None = None
    limit: int | None = None


def measure_files(
    files: Sequence[Path],
    config: EvalConfig,
    besides: Besides,
    journal: Journal,
    *,
    equalize: bool,
) -> tuple[dict[str, dict[str, Any]], str]:
    """Write `metrics.json`; gives the metrics by file, and how the sets were made equal."""
    sets = read_sets(files, None if equalize else besides.limit)
    note = ""
    if equalize:
        sets, how = equalized(sets, config.seed, besides.limit)
        note = f"{how}: {len(sets[0].rows)} rows each"
    reference, gold = (read_set(path) for path in (besides.reference, besides.gold))
    given = Given(reference, gold, cache=journal.workspace("features"))
    results = measure_all(sets, config, given)
    write_json(journal.file("metrics.json"), results)
    return results, note
