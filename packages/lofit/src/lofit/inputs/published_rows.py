"""Published files: rows of JSON with the fields a task needs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.records import read_json, read_json_lines


def read_rows(file: Path, needed: tuple[str, ...]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield `(file:line, row)` of a JSONL file (`.gz` or not) or of one JSON list.

    Raises
    ------
    UserError : unreadable, no rows, or a row without a needed field.
    """
    count = 0
    for number, row in numbered_rows(file):
        where = f"{file}:{number}"
        if not isinstance(row, dict):
            raise UserError(f"{where}: a JSON object is wanted")
        for field in needed:
            if field not in row:
                raise UserError(f"{where}: missing field {field!r}")
        count += 1
        yield where, row
    if not count:
        raise UserError(f"{file}: no records in it")


def numbered_rows(file: Path) -> Iterator[tuple[int, Any]]:
    """Yield what stands in a JSONL file (`.gz` or not) or in one JSON list, numbered from 1.

    Raises
    ------
    UserError : unreadable, or JSON that is no list.
    """
    if file.suffix == ".json":
        rows = read_json(file)
        if not isinstance(rows, list):
            raise UserError(f"{file}: a JSON list is wanted")
        yield from enumerate(rows, 1)
    else:
        yield from read_json_lines(file)


def text(where: str, row: dict[str, Any], field: str) -> str:
    """A field that is a non-empty string.

    Raises
    ------
    UserError : it is not.
    """
    value = row[field]
    if not isinstance(value, str) or not value.strip():
        raise UserError(f"{where}: {field}: a text is wanted, not {json.dumps(value)[:60]}")
    return value


def texts(where: str, row: dict[str, Any], field: str) -> tuple[str, ...]:
    """A field that is a list of strings.

    Raises
    ------
    UserError : it is not.
    """
    value = row[field]
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise UserError(f"{where}: {field}: a list of texts is wanted")
    return tuple(value)
