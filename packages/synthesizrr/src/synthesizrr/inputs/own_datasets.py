"""A user's own data set: JSONL or CSV, one file or one for each split."""

import csv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.records import read_json_lines

from ..records import Example, as_name

Splits = dict[str, list[Example]]


def own_splits(source: Path, kind: str) -> Splits:
    """A user's own rows: a file with a `split` column, or a file for each split in a folder."""
    files = {"": source}
    if source.is_dir():
        files = {file.name.split(".")[0]: file for file in sorted(source.glob(f"*.{kind}*"))}
        if not files:
            raise UserError(f"{source}: no *.{kind} in it")
    splits: Splits = defaultdict(list)
    seen: set[str] = set()
    for split, file in files.items():
        for number, row in _own_rows(file, kind):
            for wanted in ("text", "label"):
                if not _said(row.get(wanted)):
                    raise UserError(f"{file}:{number}: missing field {wanted!r}")
            given = _said(row.get("id"))
            name = given or f"{split or 'row'}-{number}"
            if name in seen:
                raise UserError(f"{file}:{number}: id {name!r} repeats")
            seen.add(name)
            where = split or str(row.get("split") or "train")
            own = {"id": name, "text": str(row["text"]), "label": _said(row["label"])}
            more = {key: cell for key, cell in row.items() if key and key != "split"}
            splits[where].append(Example.model_validate(more | own))
    return dict(splits)


def _said(value: object) -> str:
    """A cell as a string, the number 0 among them; "" where there is nothing."""
    return "" if value is None else str(as_name(value)).strip()


def _own_rows(file: Path, kind: str) -> Iterator[tuple[int, dict[str, Any]]]:
    if kind == "jsonl":
        yield from read_json_lines(file)
        return
    if not file.exists():
        raise UserError(f"{file}: no such file")
    with file.open(encoding="utf-8", newline="") as stream:
        yield from enumerate(csv.DictReader(stream), 2)
