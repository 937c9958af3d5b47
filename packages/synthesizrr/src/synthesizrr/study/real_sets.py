"""The study's first stage: Self-BLEU of real sets, human and LLM-written, at equal N."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tenpapers.journal import Journal
from tenpapers.records import read_json, write_json
from tenpapers.report import Picture, Table, Value

from ..records import TextRow, read_rows
from ..scoring.data_sets import DataSet
from ..scoring.measure import EvalConfig, Given, measure
from .claims import llm_written
from .settings import Study

Body = list[str | Table | Picture]


class RealSet(NamedTuple):
    """A published set: its file, which of its rows (field and value), its name in the table."""

    file: str
    field: str
    value: str
    title: str


REAL = (
    RealSet("ag_news", "", "", "AG News (human)"),
    RealSet("amazon_humor", "label", "humorous", "humorous questions (human)"),
    RealSet("movie_sentences", "source", "mr", "movie sentences (human)"),
    RealSet("imdb_llm_synthetic", "round", "1", "LLM-written reviews 1"),
    RealSet("imdb_llm_synthetic", "round", "2", "LLM-written reviews 2"),
)


def compare_real_sets(
    study: Study, folder: Path | None, journal: Journal
) -> tuple[Body, dict[str, dict[str, Any]]]:
    """What the report says of the real sets, and their metrics; kept in `real.json`.

    Parameters
    ----------
    folder : the published data, where they are at hand.
    """
    if folder is None:
        return ["Real data sets are not compared: the published slices are not at hand."], {}
    file = journal.file("real.json")
    if not journal.done("real"):
        write_json(file, _measured(study, folder))
        journal.finish("real")
    found: dict[str, dict[str, Any]] = read_json(file)
    fives = {name: 100 * metrics["self_bleu"]["5"] for name, metrics in found.items()}
    cells: list[list[Value]] = [
        [
            name,
            metrics["n"],
            *(100 * metrics["self_bleu"][str(n)] for n in range(1, 6)),
            metrics["length"]["words"]["mean"],
        ]
        for name, metrics in found.items()
    ]
    columns = ["data set", "n", *(f"Self-BLEU-{n}" for n in range(1, 6)), "words"]
    written = [name for name in found if name.startswith("LLM")]
    table = Table("Real data sets at equal size", columns, cells)
    return [table, llm_written(fives, "AG News (human)", written)], found


def _measured(study: Study, folder: Path) -> dict[str, dict[str, Any]]:
    sets = [_read(real, folder) for real in REAL]
    least = min(study.compare_rows, *(len(data.rows) for data in sets))
    config = EvalConfig(metrics=("self-bleu", "length"), seed=study.seed)
    found = {}
    for data in sets:
        rng = np.random.default_rng(study.seed)
        cut = data.take(rng.choice(len(data.rows), least, replace=False))
        found[data.name] = measure(cut, config, Given())
    return found


def _read(real: RealSet, folder: Path) -> DataSet:
    rows = read_rows(folder / f"{real.file}.jsonl.gz", TextRow)
    if real.field:
        rows = [row for row in rows if str(_field(row, real.field)) == real.value]
    return DataSet(real.title, rows)


def _field(row: TextRow, name: str) -> object:
    return row.label if name == "label" else row.unknown.get(name)
