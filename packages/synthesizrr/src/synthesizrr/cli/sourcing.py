"""From seeds to prompts: seeds sample, retrieve, build-inputs."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Json, OutDir, OutFile, Overwrite, say
from tenpapers.settings import options

from ..inputs.seeds import SeedSettings
from ..sourcing.retrievers import RetrieveSettings
from ..study.file_stages import BuildSettings

app = typer.Typer()
seeds = typer.Typer(help="The few labelled texts.", no_args_is_help=True)


@seeds.command("sample")
@options(SeedSettings)
def seeds_sample(
    dataset: Annotated[Path, typer.Argument(help="Folder with train.jsonl, or a JSONL file.")],
    settings: SeedSettings,
    out: OutFile,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Draw a balanced seed set from a train split.

    Example: synthesizrr seeds sample data/ag_news --per-class 50 --out seeds.jsonl
    """
    from ..study.file_stages import draw_seeds

    count = draw_seeds(dataset, settings, out, overwrite=overwrite)
    say({"seeds": count}, as_json, f"{count} seeds\n-> {out}")


@app.command()
@options(RetrieveSettings)
def retrieve(
    seeds_file: Annotated[Path, typer.Argument(metavar="SEEDS", help="seeds.jsonl")],
    emb: Annotated[
        Path, typer.Argument(metavar="EMB", help="Folder of `corpus embed`, or the documents.")
    ],
    settings: RetrieveSettings,
    out: OutFile,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Fetch for every seed the documents nearest to it.

    Example: synthesizrr retrieve seeds.jsonl emb/ --top-k 50 --out retrieved.jsonl
    """
    from ..study.file_stages import fetch

    counts = fetch(seeds_file, emb, settings, out, overwrite=overwrite)
    text = (
        f"{counts['results']} results for {counts['seeds']} seeds; excluded: "
        f"{counts['excluded'] or 'nothing'}\n-> {out}"
    )
    say(counts, as_json, text)


@app.command("build-inputs")
@options(BuildSettings)
def build_inputs(
    retrieved: Annotated[Path, typer.Argument(help="retrieved.jsonl")],
    settings: BuildSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Sort what was fetched into demonstrations (icl.jsonl) and inputs (inputs.jsonl).

    Example: synthesizrr build-inputs retrieved.jsonl --task ag_news --out runs/inputs
    """
    from ..study.file_stages import build

    report = build(retrieved, settings, out, overwrite=overwrite)
    short = f"; missing: {report.shortfall}" if report.shortfall else ""
    text = (
        f"{sum(report.icl.values())} demonstrations, {sum(report.inputs.values())} inputs; "
        f"dropped: {report.dropped or 'nothing'}{short}\n-> {out}"
    )
    say(asdict(report), as_json, text)
