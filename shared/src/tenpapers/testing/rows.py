"""Rows of tests, in and out."""

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Rows = Iterable[dict[str, Any]]


def write_rows(file: Path, rows: Rows) -> Path:
    """Write JSONL, compressed where the name ends in .gz; gives the file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    file.write_bytes(gzip.compress(text.encode()) if file.suffix == ".gz" else text.encode())
    return file


def read_rows(file: Path) -> list[dict[str, Any]]:
    """Read JSONL, compressed or not."""
    raw = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    return [json.loads(line) for line in raw.decode().split("\n") if line]


def content_of(file: Path) -> Any:
    """What a file holds: rows, a JSON value, or its bytes; compressed or not."""
    raw = file.read_bytes()
    raw, name = (gzip.decompress(raw), file.stem) if file.suffix == ".gz" else (raw, file.name)
    if name.endswith(".jsonl"):
        return read_rows(file)
    return json.loads(raw) if name.endswith(".json") else raw
