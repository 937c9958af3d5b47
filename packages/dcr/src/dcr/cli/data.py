"""Commands of data: `data fetch`, `data prepare`, `data perturb`; and `train-lexical`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Json, OutDir, OutFile, Overwrite, Wait, data_app, say
from tenpapers.report import Table
from tenpapers.settings import options

from ..controlled.lexical_file import Rows
from ..controlled.perturb_file import PerturbSettings
from ..inputs.fetched import make
from ..inputs.prepare import INSTANCES, PrepareSettings

app = data_app("dcr", make)
top = typer.Typer()


@app.command()
@options(PrepareSettings)
def prepare(
    settings: PrepareSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Make instances.jsonl, documents with responses and gold errors, of published files.

    Example: dcr data prepare faithbench --src faithbench.jsonl.gz --out data/faithbench
    """
    from ..inputs.prepare import prepare_file

    counts = prepare_file(settings, out, overwrite=overwrite, wait=wait)
    table = Table("Instances", list(counts), [list(counts.values())])
    say(counts, as_json, table, f"-> {out / INSTANCES}")


@app.command()
@options(PerturbSettings)
def perturb(
    settings: PerturbSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Make instances.jsonl of right sentences with one error each: its span, reason and fix known.

    Example: dcr data perturb data/faithbench/instances.jsonl --out data/controlled
    """
    from ..controlled.perturb_file import perturb_file

    counts = perturb_file(settings, out, overwrite=overwrite, wait=wait)
    table = Table("Controlled errors", list(counts), [list(counts.values())])
    say(counts, as_json, table, f"-> {out / INSTANCES}")


@top.command("train-lexical")
def train_lexical(
    controlled: Annotated[
        Path, typer.Argument(metavar="INPUT", help="instances.jsonl of dcr data perturb.")
    ],
    out: OutFile,
    which: Annotated[
        Rows, typer.Option("--rows", help="Learn from split `train`, or from all.")
    ] = "train",
    trained_on: Annotated[
        str, typer.Option("--trained-on", help="What the rows are, for the file.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Train the small detector that needs no hub; --detector lexical:FILE uses it.

    Example: dcr train-lexical data/controlled/instances.jsonl --out lexical.json
    """
    from ..controlled.lexical_file import train_file

    _, found = train_file(controlled, out, which=which, trained_on=trained_on)
    values = asdict(found)
    table = Table("The lexical detector", list(values), [list(values.values())])
    say(values, as_json, table, f"-> {out}")
