"""The command of step 1: which sentences their documents do not support."""

from dataclasses import asdict

import typer
from tenpapers.cli import Json, OutDir, Overwrite, Wait, say, stop_on_failures
from tenpapers.report import Table
from tenpapers.settings import options

from ..detect.settings import DetectSettings

app = typer.Typer()


@app.command()
@options(DetectSettings)
def detect(
    settings: DetectSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Say of every sentence how probably its document supports it: detected.jsonl.

    Example: dcr detect summaries.jsonl --detector lexical --out runs/detected
    """
    from ..detect.run import DETECTED, detect_file

    _, found = detect_file(settings, out, overwrite=overwrite, wait=wait)
    counts = asdict(found)
    table = Table("Detected", list(counts), [list(counts.values())])
    say(counts, as_json, table, f"-> {out / DETECTED}")
    stop_on_failures(found.failed, found.responses)
