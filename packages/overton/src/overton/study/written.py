"""What a study or an analysis writes into its folder."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tenpapers.journal import Journal
from tenpapers.records import write_text
from tenpapers.report import Picture, Table, write_report

Body = Sequence[str | Table | Picture]


def write_all(
    journal: Journal,
    title: str,
    body: Body,
    *,
    results: Mapping[str, Any],
    manifest: Mapping[str, Any],
) -> None:
    """Write the report, every table as `tables/*.csv`, results and manifest."""
    for number, table in enumerate(item for item in body if isinstance(item, Table)):
        name = f"tables/{number + 1:02}-{_slug(table.title)}.csv"
        write_text(journal.file(name), table.csv())
    write_report(journal.root, title, body, results=results, manifest=manifest)


def figure(journal: Journal, name: str) -> Path:
    """Where a figure goes."""
    return journal.file(f"figures/{name}.png")


def _slug(title: str) -> str:
    return "-".join(re.findall(r"[a-z0-9]+", title.lower())[:6])
