"""CLUTRR, two hops: name the family relation that a story implies."""

import ast
import random
from pathlib import Path
from typing import Any

from tenpapers.errors import UserError, first_line

from ..records import ContrastItem, SFTExample
from .prompts import fill
from .published_rows import read_rows, text

_NEEDED = ("id", "clean_story", "query", "target_text")


def _people(where: str, row: dict[str, Any]) -> tuple[str, str]:
    """The two names of a query; the gold word says what the second is to the first."""
    raw = row["query"]
    try:
        names = ast.literal_eval(raw)
        first, second = names
        if not (isinstance(names, tuple) and isinstance(first, str) and isinstance(second, str)):
            raise ValueError("not two names")
    except (ValueError, SyntaxError, TypeError) as error:
        raise UserError(
            f"{where}: id {row['id']}: query {raw!r} is not a pair of names",
            first_line(error),
        ) from None
    return first, second


def _prompt(where: str, row: dict[str, Any], quirks: bool, folder: Path | None) -> str:
    first, second = _people(where, row)
    story = text(where, row, "clean_story").replace("[", "").replace("]", "")
    # The released code splits the pair at its comma and keeps the blank before the second name.
    return fill(
        "clutrr", folder, story=story, first=first, second=f" {second}" if quirks else second
    )


def read(
    file: Path,
    *,
    prompts: Path | None = None,
    quirks: bool = False,
    dedup: bool = False,
) -> list[SFTExample]:
    """Read stories; `dedup` drops a story with a query that came before."""
    examples, seen = [], set()
    for where, row in read_rows(file, _NEEDED):
        prompt = _prompt(where, row, quirks, prompts)
        if dedup and prompt in seen:
            continue
        seen.add(prompt)
        word = text(where, row, "target_text")
        examples.append(
            SFTExample(id=str(row["id"]), prompt=prompt, completion=word, answers=(word,))
        )
    return examples


def contrast(
    file: Path, *, prompts: Path | None = None, quirks: bool = False, seed: int = 42
) -> list[ContrastItem]:
    """Statements for ITI and RepE: the right word against one other word, drawn by seed."""
    rows = list(read_rows(file, _NEEDED))
    words = sorted({row["target_text"] for _, row in rows})
    draw = random.Random(seed)
    statements = []
    for where, row in rows:
        others = [word for word in words if word != row["target_text"]]
        if not others:
            continue
        statements.append(
            ContrastItem(
                id=str(row["id"]),
                prompt=_prompt(where, row, quirks, prompts),
                positive=(row["target_text"],),
                negative=(draw.choice(others),),
            )
        )
    return statements
