"""The command line: parse, call, print. Every command says what it needs and what it writes."""

from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import (
    AllowCode,
    OutDir,
    Overwrite,
    Scale,
    Wait,
    make_app,
    require_code_permission,
    run,
)
from tenpapers.settings import options

from ..study.settings import Study
from . import data, editing, execution, synth

app = make_app(
    """CodeUpdateArena: can a code model use an API update after being edited with it?

    Example: codeupdatearena reproduce --scale cpu --out runs/first
    """
)
app.add_typer(data.app, name="data")
app.add_typer(synth.app, name="synth")
app.add_typer(execution.app)
app.add_typer(editing.app)


@app.command()
def report(
    runs: Annotated[list[Path], typer.Argument(help="Folders that `evaluate` wrote.")],
    out: OutDir,
) -> None:
    """Put runs side by side: main table, by package, by type, figure -> report.md.

    Example: codeupdatearena report runs/eval-base runs/eval-ft-ps --out runs/report
    """
    from tenpapers.journal import Journal

    from ..study.tables import compare_runs

    files = [folder / name for folder in runs for name in ("metrics.json", "reports.jsonl")]
    command = "codeupdatearena report"
    with Journal.once(out / "report.md", command=command, inputs=files) as journal:
        print(compare_runs(runs, journal).text())
    print(f"-> {out / 'report.md'}")


@app.command()
@options(Study, scales="codeupdatearena")
def reproduce(
    settings: Study,
    out: OutDir,
    scale: Scale = "cpu",
    overwrite: Overwrite = False,
    wait: Wait = False,
    allow_code: AllowCode = False,
) -> None:
    """Run the whole study at one scale -> report.md, table.csv, *.png, results.json, manifest.json.

    Example: codeupdatearena reproduce --scale cpu --out runs/codeupdatearena-cpu
    """
    from ..inputs.arena import load_arena
    from ..study.reproduce import reproduce as run_study

    if settings.weak_sandbox or (settings.arena and load_arena(settings.arena).model_written):
        require_code_permission(allow_code)

    run_study(settings, out, scale=scale, overwrite=overwrite, wait=wait)


def main() -> None:
    """Run the command line."""
    run(app)
