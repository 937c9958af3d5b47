"""The data of the CPU scale: AG News cut into seeds' pool, corpus, gold and test rows."""

import random
from pathlib import Path

from tenpapers.journal import Journal
from tenpapers.records import read_json_lines, write_jsonl

from .settings import Study

Rows = list[dict[str, str]]


def split_news(study: Study, folder: Path | None, journal: Journal) -> dict[str, Path]:
    """Files `corpus`, `gold`, `test` and `pool` (for the seeds), disjoint, in `data/` of a run.

    The rows are sorted by id, shuffled by the seed and cut in that order. The corpus loses its
    labels and has title and text. Without the published rows, made-up ones are split.

    Parameters
    ----------
    folder : the published data, where they are at hand.
    """
    rows = _news(folder)
    rows.sort(key=lambda row: row["id"])
    random.Random(study.seed).shuffle(rows)
    scale = min(1.0, len(rows) / (study.corpus_rows + study.gold_rows + study.test_rows + 400))
    sizes = [int(size * scale) for size in (study.corpus_rows, study.gold_rows, study.test_rows)]
    ends = [sum(sizes[: number + 1]) for number in range(3)]
    parts = {
        "gold": rows[ends[0] : ends[1]],
        "test": rows[ends[1] : ends[2]],
        "pool": rows[ends[2] :],
    }
    paths = {name: journal.file(f"data/{name}.jsonl") for name in ("corpus", *parts)}
    documents = [
        {"id": row["id"], "text": f"{row['title']}. {row['text']}"} for row in rows[: ends[0]]
    ]
    write_jsonl(paths["corpus"], documents)
    for name, part in parts.items():
        write_jsonl(paths[name], _labelled(part))
    return paths


def _labelled(rows: Rows) -> Rows:
    return [{"id": row["id"], "text": row["text"], "label": row["label"]} for row in rows]


def _news(folder: Path | None) -> Rows:
    if folder is None:
        from ..inputs.made_up_news import made_up_news

        return made_up_news()
    return [row for _, row in read_json_lines(folder / "ag_news.jsonl.gz")]
