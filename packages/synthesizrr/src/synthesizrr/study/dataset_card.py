"""The finished data set: a folder that `datasets.load_dataset` reads, with a data card."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tenpapers.journal import Journal
from tenpapers.records import atomic_writer, write_text

from ..inputs.task import Task
from ..records import Synthetic

DATASET_FILES = ("README.md", "data/train-00000-of-00001.parquet")


def write_dataset(
    journal: Journal,
    into: str,
    rows: Sequence[Synthetic],
    task: Task,
    *,
    facts: Mapping[str, Any],
    metrics: Mapping[str, Any] | None = None,
) -> None:
    """Write `data/train-00000-of-00001.parquet` and `README.md`, the card.

    Parameters
    ----------
    into : folder below the run's, with its slash; "" is the run's own.
    facts : how the set was made (teacher, corpus, retriever, shots, ...), for the card.
    metrics : of the set, as `metrics.json` has them.
    """
    from datasets import ClassLabel, Dataset, Features, List, Value, disable_progress_bars

    disable_progress_bars()

    names = list(task.labels)
    columns = {
        "id": [row.id for row in rows],
        "text": [row.text for row in rows],
        "label": [names.index(row.label) for row in rows],
        "seed_id": [row.seed_id for row in rows],
        "doc_id": [row.doc_id for row in rows],
        "rank": [row.rank for row in rows],
        "score": [row.score for row in rows],
        "context": [row.context for row in rows],
        "icl_ids": [row.icl_ids for row in rows],
    }
    text = Value("string")
    features = Features(
        {
            "id": text,
            "text": text,
            "label": ClassLabel(names=names),
            "seed_id": text,
            "doc_id": text,
            "rank": Value("int32"),
            "score": Value("float32"),
            "context": text,
            "icl_ids": List(text),
        }
    )
    card, table = (journal.file(into + name) for name in DATASET_FILES)
    made = Dataset.from_dict(columns, features=features)
    with atomic_writer(table) as stream:
        made.to_parquet(stream)
    write_text(card, card_text(rows, task, facts=facts, metrics=metrics))


def card_text(
    rows: Sequence[Synthetic],
    task: Task,
    *,
    facts: Mapping[str, Any],
    metrics: Mapping[str, Any] | None = None,
) -> str:
    """The data card: what it is, how it was made, what was measured, what to beware of."""
    counts = Counter(row.label for row in rows)
    lines = [
        "---",
        "task_categories: [text-classification]",
        "language: [en]",
        "tags: [synthetic, synthesizrr]",
        f"size_categories: [{_size(len(rows))}]",
        "configs:",
        "- config_name: default",
        "  data_files:",
        "  - split: train",
        "    path: data/train-*.parquet",
        "---",
        "",
        f"# {task.name}, synthesized",
        "",
        "Texts that a language model wrote from retrieved documents (SynthesizRR, arXiv",
        "2405.10040). A label is the one that the text was asked for; nobody checked it.",
        "",
        "| label | rows |",
        "|---|---|",
        *(f"| {label} | {counts.get(label, 0)} |" for label in task.labels),
        "",
        "## How it was made",
        "",
        *(f"- {name}: {_inline(value)}" for name, value in facts.items()),
        "",
        "## Columns",
        "",
        "`id`, `text`, `label`; where a row is from: `seed_id`, `doc_id`, `rank` and `score` of",
        "the document among those its seed fetched, `context` (what the model saw of it), and",
        "`icl_ids`, the demonstrations of its prompt.",
        "",
    ]
    if metrics:
        lines += ["## Measured", "", "```json", json.dumps(metrics, indent=1), "```", ""]
    lines += [
        "## Beware",
        "",
        "Texts may repeat errors, bias and phrases of the model and of the documents; licences of",
        "both bind. Where the corpus holds texts of a test set, so may this set: see `--exclude`.",
        "",
    ]
    return "\n".join(lines)


def _inline(value: object) -> str:
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


def _size(n: int) -> str:
    for limit, name in ((1000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K")):
        if n < limit:
            return name
    return "100K<n<1M"
