"""From seeds to prompts: seeds sample, retrieve, build-inputs."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Json, OutDir, OutFile, Overwrite, Wait, say
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
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Draw a balanced seed set from a train split.

    Example: synthesizrr seeds sample data/ag_news --per-class 50 --out seeds.jsonl
    """
    from tenpapers.journal import Journal, key_of
    from tenpapers.records import write_jsonl

    from ..inputs.seeds import seeds_of

    seeds = seeds_of(dataset, settings)
    key = key_of("synthesizrr seeds sample", settings)
    with Journal.of_file(out, key=key, inputs=[dataset], overwrite=overwrite, wait=wait) as journal:
        count = write_jsonl(journal.file(out.name), seeds)
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
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Fetch for every seed the documents nearest to it.

    Example: synthesizrr retrieve seeds.jsonl emb/ --top-k 50 --out retrieved.jsonl
    """
    from tenpapers.journal import Journal, files_of, key_of

    from ..students.identity import known_encoder
    from ..study.file_stages import fetch

    # Of embeddings the settings say enough: corpus and encoder stand there by content.
    source = emb / "meta.json" if (emb / "meta.json").exists() else emb
    rescore = {"rescore": known_encoder(settings.rescore)} if settings.rescore else {}
    key = key_of("synthesizrr retrieve", settings, **rescore)
    inputs = [seeds_file, source, *files_of(settings)]
    with Journal.of_file(out, key=key, inputs=inputs, overwrite=overwrite, wait=wait) as journal:
        counts = fetch(seeds_file, emb, settings, journal.file(out.name))
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
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Sort what was fetched into demonstrations (icl.jsonl) and inputs (inputs.jsonl).

    Example: synthesizrr build-inputs retrieved.jsonl --task ag_news --out runs/inputs
    """
    from tenpapers.journal import Journal, key_of

    from ..study.file_stages import build
    from ..study.model_stages import task_file

    key, inputs = (
        key_of("synthesizrr build-inputs", settings),
        [retrieved, task_file(settings.task)],
    )
    file = out / "icl.jsonl"
    with Journal.of_file(file, key=key, inputs=inputs, overwrite=overwrite, wait=wait) as journal:
        report = build(retrieved, settings, journal)
    short = f"; missing: {report.shortfall}" if report.shortfall else ""
    text = (
        f"{sum(report.icl.values())} demonstrations, {sum(report.inputs.values())} inputs; "
        f"dropped: {report.dropped or 'nothing'}{short}\n-> {out}"
    )
    say(asdict(report), as_json, text)
