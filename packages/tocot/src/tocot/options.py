"""Options that several commands have."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from tenpapers.report import Table

Responses = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="Outputs or recorded pairs (JSONL, .gz).")
]
Policy = Annotated[
    str,
    typer.Option("--unparseable", help="Credit of an unparseable response: wrong, guess, drop."),
]
Grading = Annotated[
    str, typer.Option("--grading", help="ours (gold-blind extractor) or logged (the flags).")
]
Items = Annotated[
    Path | None,
    typer.Option("--items", help="Task items with gold answers, for outputs without them."),
]
TextMatch = Annotated[
    str, typer.Option("--text-match", help="Of free text: equal or substring (the paper's BBH).")
]
Group = Annotated[str, typer.Option("--group", help="five (the paper's), meta or task.")]
Tasks = Annotated[
    str | None, typer.Option("--tasks", "--task", help="Tasks with commas between them.")
]
AllowCode = Annotated[
    bool,
    typer.Option("--allow-code", help="Agree to run model-written code in the sandbox."),
]


def stop_on_errors(failed: int, total: int) -> None:
    """Exit code 3 where more than one in a hundred items failed."""
    if failed > total / 100:
        raise typer.Exit(3)


def names(text: str | None) -> list[str]:
    """Names with commas between them."""
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def say(values: Any, as_json: bool, *parts: str | Table) -> None:
    """Print the result: JSON alone, or texts and tables."""
    if as_json:
        print(json.dumps(values))
        return
    print("\n\n".join(part.text() if isinstance(part, Table) else part for part in parts if part))
