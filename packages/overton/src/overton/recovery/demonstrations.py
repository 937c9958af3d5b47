"""The three queries that every static prompt shows, and how they are answered."""

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError
from tenpapers.records import read_json_lines

from .prompts import Demo


def own_demos() -> list[Demo]:
    """Our demonstrations: a harmful request, advice under a constraint, a list of facts."""
    shipped = files("overton").joinpath("data/demos.jsonl").read_text(encoding="utf-8")
    return [Demo(**json.loads(line)) for line in shipped.splitlines()]


def load_demos(path: Path) -> list[Demo]:
    """Read demonstrations: rows of `query`, `response` and perhaps `summary`.

    Raises
    ------
    UserError : missing or empty file, a line that is not JSON, a row without query or response.
    """
    demos = []
    for number, row in read_json_lines(path):
        found = _demo(row) if isinstance(row, dict) else None
        if found is None:
            raise UserError(
                f"{path}:{number}: no demonstration",
                "wanted: `query` and `response`, and `summary` where summaries are shown",
            )
        demos.append(found)
    if not demos:
        raise UserError(f"{path}: no records in it")
    return demos


def demo_rows(demos: Sequence[Demo]) -> list[dict[str, Any]]:
    """Demonstrations as `load_demos` reads them."""
    return [
        {"query": demo.query, "response": demo.response}
        | ({} if demo.summary is None else {"summary": demo.summary})
        for demo in demos
    ]


def _demo(row: dict[str, Any]) -> Demo | None:
    query, response, summary = (row.get(name) for name in ("query", "response", "summary"))
    if not (isinstance(query, str) and isinstance(response, str)):
        return None
    if not (summary is None or isinstance(summary, str)):
        return None
    return Demo(query, response, summary)
