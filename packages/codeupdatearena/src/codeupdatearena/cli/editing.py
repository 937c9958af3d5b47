"""Commands that ask models: plain ones, and those edited with an update."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from tenpapers.cli import (
    Cache,
    Limit,
    Model,
    OutDir,
    OutFile,
    Overwrite,
    Wait,
    stop_on_failures,
)
from tenpapers.settings import options

from ..editing.settings import ArmSettings
from ..sampling.settings import Demo, Method, Prompts, SolutionSettings
from .arguments import ArenaArg, Ids

if TYPE_CHECKING:
    from ..sampling.sample import Sampled

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
    """Write the prompts of a method, for a model of your own.

    Example: codeupdatearena render arena.jsonl --method prepend --out prompts.jsonl
    """
    from tenpapers.journal import Journal
    from tenpapers.records import write_jsonl

    from ..inputs.arena import arena_file, load_arena
    from ..sampling.sample import prompts_of

    examples = load_arena(source).select(ids=ids, limit=limit).examples
    rows = prompts_of(examples, method, demo, prompts)
    inputs = [arena_file(source), demo, prompts, ids]
    with Journal.once(out, command="codeupdatearena render", inputs=inputs) as journal:
        count = write_jsonl(journal.file(out.name), rows)
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
    wait: Wait = False,
) -> None:
    """Sample solutions with the model as it is; append-only, run again to go on.

    Example: codeupdatearena generate arena.jsonl --method prepend --model
    vllm:deepseek-ai/deepseek-coder-7b-instruct-v1.5 --out runs/prepend.jsonl
    """
    from tenpapers.generation import open_generator
    from tenpapers.journal import Journal, files_of, key_of, known_by

    from ..inputs.arena import arena_file, arena_key, load_arena
    from ..sampling.sample import open_predictions, requests_for, sample_solutions

    arena = load_arena(source).select(ids=ids, limit=limit)
    requests = requests_for(arena.examples, method, settings)
    with (
        open_generator(model, cache=cache) as generator,
        Journal.of_file(
            out,
            key=key_of(
                "codeupdatearena generate",
                settings,
                model=known_by(model, generator.backend.identity),
                arena=arena_key(source, arena),
                method=method,
                limit=limit,
            ),
            inputs=[arena_file(source), ids, *files_of(settings)],
            overwrite=overwrite,
            wait=wait,
        ) as journal,
        open_predictions(journal, out.name) as rows,
    ):
        made = sample_solutions(
            requests, generator, rows, method=method, model=model, settings=settings
        )
        rows.close(order=[request.id for request in requests])
    print(f"{len(made.predictions)} predictions ({method}, {model}) -> {out}")
    _tell_failures(made)


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
    wait: Wait = False,
) -> None:
    """Train one adapter for each test example -> OUT/adapters, OUT/edits.jsonl.

    Example: codeupdatearena edit arena.jsonl --arm ft-ps --out runs/ft-ps
    """
    from tenpapers.journal import Journal, files_of, key_of, known_by
    from tenpapers.models import load_causal_lm

    from ..editing.edits import train_adapters
    from ..editing.training_sets import EditPlan
    from ..inputs.arena import arena_file, arena_key, load_arena

    arena = load_arena(source)
    chosen = arena.select(ids=ids, limit=limit).examples
    plan = EditPlan.of(arena, settings)
    lm = load_causal_lm(model)
    with Journal(
        out,
        key=key_of(
            "codeupdatearena edit",
            settings,
            model=known_by(model, lm.identity),
            arena=arena_key(source, arena),
            limit=limit,
        ),
        inputs=[arena_file(source), ids, *files_of(settings)],
        overwrite=overwrite,
        wait=wait,
    ) as journal:
        edits = train_adapters(lm, plan, chosen, journal, settings)
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
    wait: Wait = False,
) -> None:
    """Sample each example from the model edited for it (vllm: all adapters in one batch).

    Example: codeupdatearena generate-edited arena.jsonl --adapters runs/ft-ps --model hf:ID --out
    runs/ft-ps.jsonl
    """
    from tenpapers.journal import Journal, files_of, key_of

    from ..editing.sample_edited import open_edited, sample_edited
    from ..inputs.arena import arena_file, arena_key, load_arena
    from ..sampling.sample import open_predictions

    arena = load_arena(source)
    with (
        open_edited(adapters, model, cache=cache) as edited,
        Journal.of_file(
            out,
            key=key_of(
                "codeupdatearena generate-edited",
                settings,
                **edited.key(),
                arena=arena_key(source, arena),
                with_update=with_update,
            ),
            inputs=[arena_file(source), adapters / "edits.jsonl", *files_of(settings)],
            overwrite=overwrite,
            wait=wait,
        ) as journal,
        open_predictions(journal, out.name) as rows,
    ):
        made = sample_edited(edited, arena, settings, rows, with_update=with_update)
    print(f"{len(made.predictions)} predictions ({edited.method(with_update)}) -> {out}")
    _tell_failures(made)


def _tell_failures(made: "Sampled") -> None:
    if made.failures:
        print(made.told())
    stop_on_failures(len(made.failures), made.asked)
