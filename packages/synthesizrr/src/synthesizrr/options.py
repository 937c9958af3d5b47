"""Options that several commands have."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from tenpapers.errors import UserError
from tenpapers.report import Table

ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="YAML of settings; flags win over it.")
]
Defaults = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="YAML of this command's options; flags win over it.",
        is_eager=True,
        callback=lambda ctx, value: _take_defaults(ctx, value),
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace what an earlier run left in --out.")
]
Reference = Annotated[
    Path | None, typer.Option("--reference", help="Human texts (gold test split) for MAUVE.")
]
Gold = Annotated[
    Path | None,
    typer.Option("--gold", help="Gold training rows: the oracle's, and of entity recall."),
]
First = Annotated[int | None, typer.Option("-n", "--limit", help="Only the first N rows.", min=1)]
TaskName = Annotated[str, typer.Option("--task", help="A task's name, or your YAML file.")]


def _take_defaults(ctx: typer.Context, file: Path | None) -> Path | None:
    """Make a file's values the defaults of the command's options.

    Raises
    ------
    UserError : no such file, no mapping, an option that the command does not have.
    """
    if file is None:
        return None
    if not file.exists():
        raise UserError(f"{file}: no such config file")
    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise UserError(f"{file}: not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict):
        raise UserError(f"{file}: a config is a mapping of options to values")
    known = {
        option.lstrip("-").replace("-", "_"): parameter.name
        for parameter in ctx.command.params
        for option in parameter.opts
    }
    defaults = {}
    for name, value in values.items():
        key = str(name).replace("-", "_")
        if key not in known:
            raise UserError(f"{file}: {name}: unknown option", f"one of {', '.join(known)}")
        defaults[known[key]] = value
    ctx.default_map = defaults
    return file


def split_names(text: str | None) -> list[str] | None:
    """Names with commas between them."""
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]


def say(values: Any, as_json: bool, *parts: str | Table) -> None:
    """Print the result: JSON alone, or texts and tables."""
    if as_json:
        print(json.dumps(values))
        return
    print("\n\n".join(part.text() if isinstance(part, Table) else part for part in parts))


def fresh(path: Path, overwrite: bool) -> Path:
    """A file to write: its folder is made; one that is there needs `--overwrite`.

    Raises
    ------
    UserError : the file is there.
    """
    if path.exists() and not overwrite:
        raise UserError(f"{path}: is there already", "pass --overwrite or another --out")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def pair(text: str | None, option: str) -> tuple[float, float] | None:
    """Two numbers with a comma between them, the lower first.

    Raises
    ------
    UserError : anything else.
    """
    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise UserError(f"{option} {text}: not two numbers", "e.g. 0.4,0.9") from None
    if low > high:
        raise UserError(f"{option} {text}: the first is the lower one")
    return low, high
