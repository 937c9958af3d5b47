"""Commands that ask models: plain ones, and those edited with an update."""

from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Cache, Limit, Model, OutDir, OutFile, Overwrite
from tenpapers.settings import options

from ..editing.settings import ArmSettings
from ..sampling.settings import Demo, Method, Prompts, SolutionSettings
from .arguments import ArenaArg, Ids

app = typer.Typer()

MethodOption = Annotated[
    Method, typer.Option("--method", help="The problem alone, or the update's text before it.")
]


@app.command()
def render(
    source: ArenaArg,
    out: OutFile,
    method: MethodOption = "base",
    demo: Demo = None,
    prompts: Prompts = None,
    limit: Limit = None,
    ids: Ids = None,
) -> None:
    """Write the prompts of a method, for a model of your own."""
    from tenpapers.records import write_jsonl

    from ..inputs.arena import load_arena
    from ..sampling.sample import prompts_of

    examples = load_arena(source).select(ids=ids, limit=limit).examples
    count = write_jsonl(out, prompts_of(examples, method, demo, prompts))
    print(f"{count} prompts -> {out}")


@app.command()
@options(SolutionSettings)
def generate(
    settings: SolutionSettings,
    source: ArenaArg,
    out: OutFile,
    model: Model = "smollm2",
    method: MethodOption = "base",
    cache: Cache = True,
    limit: Limit = None,
    ids: Ids = None,
    overwrite: Overwrite = False,
) -> None:
    """Sample solutions with the model as it is; append-only, run again to go on.

    Example: codeupdatearena generate arena.jsonl --method prepend --model
    vllm:deepseek-ai/deepseek-coder-7b-instruct-v1.5 --out runs/prepend.jsonl
    """
    from tenpapers.generation import open_generator

    from ..inputs.arena import load_arena
    from ..sampling.sample import requests_for, sample_to_file

    examples = load_arena(source).select(ids=ids, limit=limit).examples
    requests = requests_for(examples, method, settings)
    with open_generator(model, cache=cache) as generator:
        made = sample_to_file(
            requests,
            generator,
            out,
            method=method,
            model=model,
            settings=settings,
            overwrite=overwrite,
        )
    print(f"{len(made)} predictions ({method}, {model}) -> {out}")


@app.command()
@options(ArmSettings)
def edit(
    settings: ArmSettings,
    source: ArenaArg,
    out: OutDir,
    model: Annotated[str, typer.Option("--model", help="smollm2 or hf:ID.")] = "smollm2",
    limit: Limit = None,
    ids: Ids = None,
    overwrite: Overwrite = False,
) -> None:
    """Train one adapter for each test example -> OUT/adapters, OUT/edits.jsonl.

    Example: codeupdatearena edit arena.jsonl --arm ft-ps --out runs/ft-ps
    """
    from tenpapers.models import load_causal_lm

    from ..editing.edits import train_adapters
    from ..editing.training_sets import EditPlan
    from ..inputs.arena import load_arena

    arena = load_arena(source)
    chosen = arena.select(ids=ids, limit=limit).examples
    plan = EditPlan.of(arena, settings)
    lm = load_causal_lm(model)
    edits = train_adapters(lm, plan, chosen, out, settings, overwrite=overwrite)
    seconds = sum(made.seconds for made in edits)
    print(f"{len(edits)} edits in {seconds:.0f} s of training -> {out / 'edits.jsonl'}")
    if settings.random:
        drawn = sum(made.drawn for made in edits)
        print(f"{drawn} random targets were drawn (not in the map, or not in this arena)")


@app.command("generate-edited")
@options(SolutionSettings)
def generate_edited(
    settings: SolutionSettings,
    source: ArenaArg,
    adapters: Annotated[Path, typer.Option("--adapters", help="Folder that `edit` wrote.")],
    out: OutFile,
    model: Model = "smollm2",
    with_update: Annotated[
        bool, typer.Option("--with-update", help="Show the update's text at test time too.")
    ] = False,
    cache: Cache = True,
    overwrite: Overwrite = False,
) -> None:
    """Sample each example from the model edited for it (vllm: all adapters in one batch)."""
    from ..editing.edits import read_edits
    from ..editing.sample_edited import sample_edited
    from ..inputs.arena import load_arena

    made = sample_edited(
        read_edits(adapters),
        load_arena(source),
        adapters,
        settings,
        out,
        model=model,
        with_update=with_update,
        cache=cache,
        overwrite=overwrite,
    )
    print(f"{len(made)} predictions ({made[0].method}) -> {out}")
