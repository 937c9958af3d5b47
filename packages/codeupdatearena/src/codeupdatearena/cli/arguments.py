"""Arguments that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

ArenaArg = Annotated[
    str, typer.Argument(help="Arena file (any published form, .gz or not) or the hub's id.")
]
ArenaOption = Annotated[str, typer.Option("--arena", help="Arena file or the hub's id.")]
Ids = Annotated[
    Path | None, typer.Option("--ids", help="File with one example or update id a line.")
]
