"""Commands that edit: train adapters on updates, and answer with them."""

from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import (
    Cache,
    Limit,
    Model,
    OutDir,
    OutFile,
    Seed,
)

from ..options import (
    ArenaArg,
    Demo,
    Ids,
    Lenient,
    MaxTokens,
    Overwrite,
    Prompts,
    Samples,
    Temperature,
    TopP,
    one_of,
)


def edit(
    source: ArenaArg,
    out: OutDir,
    arm: Annotated[str, typer.Option("--arm", help="ft-u, ft-ps or ft-ups.")],
    model: Annotated[str, typer.Option("--model", help="smollm2 or hf:ID.")] = "smollm2",
    random: Annotated[
        bool, typer.Option("--random", help="Train on another update (what does it teach?).")
    ] = False,
    random_map: Annotated[
        Path | None, typer.Option("--random-map", help="JSON map of updates (else drawn).")
    ] = None,
    learning_rate: Annotated[float, typer.Option("--learning-rate", help="Of AdamW.")] = 1e-3,
    rank: Annotated[int, typer.Option("--rank", help="Of LoRA.", min=1)] = 8,
    targets: Annotated[
        str, typer.Option("--targets", help="Modules with LoRA, by commas.")
    ] = "q_proj,v_proj",
    adapter: Annotated[
        str, typer.Option("--adapter", help="lora, or none (all weights).")
    ] = "lora",
    seed: Seed = 42,
    demo: Demo = None,
    prompts: Prompts = None,
    limit: Limit = None,
    ids: Ids = None,
    overwrite: Overwrite = False,
) -> None:
    """Train one adapter for each test example -> OUT/adapters, OUT/edits.jsonl.

    Example: codeupdatearena edit arena.jsonl --arm ft-ps --out runs/ft-ps
    """
    from tenpapers.models import load_causal_lm

    from ..editing.editor import ARMS, EditConfig
    from ..editing.edits import EditPlan, read_random_map, train_adapters
    from ..inputs.arena import load_arena
    from ..sampling.prompts import demonstration

    one_of("arm", arm, ARMS)
    one_of("adapter", adapter, ("lora", "none"))
    arena = load_arena(source)
    chosen = arena.select(ids=ids, limit=limit).examples
    config = EditConfig(
        rank=rank,
        targets=tuple(targets.split(",")),
        learning_rate=learning_rate,
        seed=seed,
        adapter=adapter,  # type: ignore[arg-type]
    )
    plan = EditPlan(
        arena,
        arm,  # type: ignore[arg-type]
        demonstration(demo),
        random=random,
        random_map=read_random_map(random_map),
        seed=seed,
        folder=prompts,
    )
    lm = load_causal_lm(model)
    edits = train_adapters(lm, plan, chosen, out, config, overwrite=overwrite)
    drawn = sum(made.drawn for made in edits)
    seconds = sum(made.seconds for made in edits)
    print(f"{len(edits)} edits in {seconds:.0f} s of training -> {out / 'edits.jsonl'}")
    if random:
        print(f"{drawn} random targets were drawn (not in the map, or not in this arena)")


def generate_edited(
    source: ArenaArg,
    adapters: Annotated[Path, typer.Option("--adapters", help="Folder that `edit` wrote.")],
    out: OutFile,
    model: Model = "smollm2",
    with_update: Annotated[
        bool, typer.Option("--with-update", help="Show the update's text at test time too.")
    ] = False,
    n: Samples = 5,
    temperature: Temperature = 0.8,
    top_p: TopP = 0.7,
    max_tokens: MaxTokens = 512,
    seed: Seed = 42,
    demo: Demo = None,
    prompts: Prompts = None,
    lenient: Lenient = False,
    cache: Cache = True,
    overwrite: Overwrite = False,
) -> None:
    """Sample each example from the model edited for it (vllm: all adapters in one batch)."""
    from tenpapers.generation import Sampling, open_generator

    from ..editing.edits import edited_requests, is_whole_model, method_name, read_edits
    from ..inputs.arena import load_arena
    from ..sampling.prompts import demonstration
    from ..sampling.sample import sample_to_file

    edits = read_edits(adapters)
    method = method_name(edits[0].arm, random=edits[0].random, with_update=with_update)
    arena, shown = load_arena(source), demonstration(demo)
    sampling = Sampling(temperature=temperature, top_p=top_p, max_tokens=max_tokens)
    # Adapters go through one engine; models with all weights edited are opened one by one.
    whole = is_whole_model(adapters / edits[0].adapter)
    groups = [(f"hf:{(adapters / e.adapter).resolve()}", [e]) for e in edits]
    made = 0
    for spec, group in groups if whole else [(model, edits)]:
        requests = edited_requests(
            group,
            arena,
            adapters,
            n=n,
            seed=seed,
            demo=shown,
            with_update=with_update,
            sampling=sampling,
            prompts=prompts,
        )
        with open_generator(spec, cache=cache and not whole) as generator:
            found = sample_to_file(
                requests,
                generator,
                out,
                method=method,
                model=spec,
                seed=seed,
                lenient=lenient,
                overwrite=overwrite and group[0] is edits[0],
            )
        made += len(found)
    print(f"{made} predictions ({method}) -> {out}")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(edit)
    app.command("generate-edited")(generate_edited)
