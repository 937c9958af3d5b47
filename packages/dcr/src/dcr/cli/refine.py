"""Commands that criticise and refine responses."""

import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from tenpapers.cli import Json, OutDir, Overwrite, Wait, say, stop_on_failures
from tenpapers.report import Table
from tenpapers.settings import options

from ..critique.settings import CritiqueSettings
from ..refine.settings import ApplySettings, RefineSettings

if TYPE_CHECKING:
    from ..refine.run import Run

app = typer.Typer()

Html = Annotated[
    Path | None, typer.Option("--html", help="Page that shows what was changed and why.")
]


@app.command()
@options(RefineSettings)
def refine(
    settings: RefineSettings,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the results; a pair needs none.")
    ] = None,
    html: Html = None,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Correct responses by their documents, changing as little as possible; a killed run goes on.

    Example: dcr refine --document report.md --response summary.txt --detector lexical
    --critic occlusion --refiner span-edit
    """
    from tenpapers.errors import UserError

    from ..refine.run import REFINED, refine_file, refine_now

    if out is None and settings.responses is not None:
        raise UserError(f"{settings.responses}: where do the results go?", "pass --out FOLDER")
    run = (
        refine_now(settings)
        if out is None
        else refine_file(settings, out, overwrite=overwrite, wait=wait)
    )
    _say(run, as_json, out / REFINED if out else None, html, pair=settings.responses is None)


@app.command()
@options(CritiqueSettings)
def critique(
    settings: CritiqueSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Say what is wrong with flagged sentences: where, why and how to mend it.

    Example: dcr critique detected/detected.jsonl --critic openai:gpt-4o --out critiqued
    """
    from ..critique.run import FILE, critique_file

    counts, counted = critique_file(settings, out, overwrite=overwrite, wait=wait)
    _warn(counted.failed | counted.undetected)
    row = asdict(counts)
    table = Table("Critiques", list(row), [list(row.values())])
    say(row, as_json, table, f"-> {out / FILE}")
    stop_on_failures(counts.failed, counts.responses)


@app.command()
@options(ApplySettings)
def apply(
    settings: ApplySettings,
    out: OutDir,
    html: Html = None,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Refine criticised responses.

    Example: dcr apply critiqued/critiqued.jsonl --refiner openai:gpt-4o --samples 3 --out refined
    """
    from ..refine.run import REFINED, apply_file

    run = apply_file(settings, out, overwrite=overwrite, wait=wait)
    _say(run, as_json, out / REFINED, html)


def _say(
    run: "Run", as_json: bool, file: Path | None, html: Path | None, *, pair: bool = False
) -> None:
    from tenpapers.journal import Journal
    from tenpapers.records import write_text

    from ..refine.show import page, told

    _warn(run.counted.failed | run.counted.undetected)
    if html is not None:
        with Journal.once(html, command="dcr refine --html") as journal:
            write_text(journal.file(html.name), page(run.rows))
    counts = run.counts.row()
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    where = "\n".join(f"-> {written}" for written in (file, html) if written)
    if pair:
        rows = [row.model_dump(mode="json") for row in run.rows]
        shown = [told(row, colour=colour) for row in run.rows]
        say(rows[0] if rows else None, as_json, *shown, where)
    else:
        say(counts, as_json, Table("Responses", list(counts), [list(counts.values())]), where)
    stop_on_failures(run.counts.failed, run.counts.responses)


def _warn(failed: dict[str, str]) -> None:
    for name, words in failed.items():
        typer.echo(f"{name}: no row: {words}", err=True)
