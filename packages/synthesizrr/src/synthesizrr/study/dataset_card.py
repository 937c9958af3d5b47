"""The finished data set: a folder that `datasets.load_dataset` reads, with a data card."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from tenpapers.journal import Journal
from tenpapers.records import atomic_writer, write_text

from ..inputs.task import Task
from ..records import Synthetic

# `@http://host` of a model spec, and any other address.
_ADDRESS = re.compile(r"@?\b\w+://[^\s,;\"')\]}]+")
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
    text = Value("string")
    known = {
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
    columns: dict[str, list[object]] = {
        name: [getattr(row, name) for row in rows] for name in known
    }
    columns["label"] = [names.index(row.label) for row in rows]
    # The user's own fields, as they came; what is no text stands as JSON.
    extra = sorted({name for row in rows for name in row.unknown} - set(known))
    columns |= {name: [_cell(row.unknown.get(name)) for row in rows] for name in extra}
    features = Features(known | dict.fromkeys(extra, text))
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
    extra = sorted({name for row in rows for name in row.unknown})
    corpus = str(facts.get("corpus", "none"))
    head = {
        "pretty_name": f"{task.name}, synthesized",
        # Whose licence binds is the user's to find out: the teacher's and the documents'.
        "license": "other",
        "license_name": "of-the-teacher-and-the-documents",
        "source_datasets": ["original" if corpus == "none" else f"extended|other-{corpus}"],
        "task_categories": ["text-classification"],
        "tags": ["synthetic", "synthesizrr"],
        "size_categories": [_size(len(rows))],
        # No `configs`: with them `datasets` takes any two local folders of one name for one data
        # set, and gives from its cache the rows of the first. The file's name says the split.
    }
    lines = [
        "---",
        yaml.safe_dump(head, sort_keys=False, allow_unicode=True).rstrip(),
        "---",
        "",
        f"# {task.name}, synthesized",
        "",
        "Texts that a language model wrote from retrieved documents (SynthesizRR, arXiv",
        "2405.10040). A label is the one that the text was asked for; nobody checked it.",
        "",
        "| label | rows |",
        "|---|---|",
        *(f"| {_cell_text(label)} | {counts.get(label, 0)} |" for label in task.labels),
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
        *([f"Of the inputs: {', '.join(f'`{name}`' for name in extra)}."] if extra else []),
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


def _cell(value: object) -> str | None:
    """A value of a field that we do not know, as a text column takes it."""
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _cell_text(text: str) -> str:
    """A text as the cell of a Markdown table: a bar or a line's end would end the cell."""
    return " ".join(text.replace("|", "\\|").split())


def _inline(value: object) -> str:
    """A fact on one line, without addresses: a card is published, a server is not."""
    text = json.dumps(value) if isinstance(value, dict | list) else str(value)
    return _ADDRESS.sub("", " ".join(text.split()))


def _size(n: int) -> str:
    """The hub's size category."""
    bounds = [10**power for power in range(3, 13)]
    names = ["1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T"]
    for index, bound in enumerate(bounds):
        if n < bound:
            return f"{names[index - 1]}<n<{names[index]}" if index else "n<1K"
    return "n>1T"
