"""The command that takes over the paper's files."""

from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Json, OutDir, Overwrite, Wait, say

app = typer.Typer()


@app.command("import-official")
def import_official(
    folder: Annotated[Path, typer.Argument(help="Clone of the paper's repository.")],
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Samples, verdicts and scores of a clone, as files of ours; lists what the clone lacks.

    Example: overton import-official investigating-alignment --out data/overton
    """
    from tenpapers.journal import Journal

    from ..inputs.fetched import import_official as run
    from ..inputs.overview import overview, overview_table

    key = {"command": "overton import-official"}
    with Journal(out, key=key, inputs=[folder], overwrite=overwrite, wait=wait) as journal:
        found = run(folder, journal.file)
    seen = overview(out, found.written)
    lacking = [f"missing: {name}" for name in found.missing]
    lacking += [f"kept elsewhere by git: {name}" for name in found.pointers]
    values = {"sets": seen, "missing": list(found.missing), "pointers": list(found.pointers)}
    say(values, as_json, overview_table(seen), "\n".join(lacking), f"-> {out}")
