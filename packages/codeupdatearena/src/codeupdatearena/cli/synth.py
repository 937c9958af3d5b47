"""`codeupdatearena synth ...`: parse, call, print."""

from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import (
    AllowCode,
    Model,
    OutDir,
    OutFile,
    Seed,
    UserError,
    require_code_permission,
)

app = typer.Typer(
    help="Generate new updates and problems with any model, step by step (restartable).",
    no_args_is_help=True,
    rich_markup_mode=None,
)

MaxTokens = Annotated[int, typer.Option("--max-tokens", help="New tokens a response.", min=1)]
Prompts = Annotated[
    Path | None, typer.Option("--prompts", help="Folder of templates that replace ours.")
]


@app.command()
def update(
    model: Model,
    out: OutDir,
    function: Annotated[
        list[str] | None, typer.Option("--function", help="Dotted path; repeat for more.")
    ] = None,
    sheets: Annotated[
        Path | None, typer.Option("--sheets", help="JSONL of function sheets (else made).")
    ] = None,
    kind: Annotated[
        list[str] | None, typer.Option("--type", help="Update type; repeat; default all 17.")
    ] = None,
    count: Annotated[int, typer.Option("-n", help="Updates a function and type.", min=1)] = 1,
    threshold: Annotated[float, typer.Option(help="Least share of tests passed.")] = 0.7,
    max_tokens: MaxTokens = 2048,
    seed: Seed = 42,
    prompts: Prompts = None,
    allow_code: AllowCode = False,
) -> None:
    """Invent updates of functions: specification, tests, implementation, all executed.

    Example: codeupdatearena synth update --model openai:gpt-4o --function math.sin
    --type add-argument --out runs/new --allow-code
    """
    require_code_permission(allow_code)
    from tenpapers.generation import open_generator
    from tenpapers.sandbox import SandboxPool

    from ..inputs.update_types import UpdateType, legal_update_types
    from ..synth.function_sheet import find_function, read_sheets
    from ..synth.run import generate_updates
    from ..synth.stored_model import LLM
    from ..synth.updates import UpdateGenerator

    known = read_sheets(sheets) if sheets else {}
    paths = function or list(known)
    if not paths:
        raise UserError("no function to update", "pass --function PATH or --sheets FILE")
    for path in paths:
        find_function(path)
    types = kind or [legal.tag for legal in legal_update_types()]
    for tag in types:
        UpdateType.parse(tag)
    with open_generator(model, cache=False) as generator, SandboxPool() as pool:
        llm = LLM(generator, out / "responses.jsonl", seed=seed, max_tokens=max_tokens)
        maker = UpdateGenerator(llm, pool, sheets=known, threshold=threshold, folder=prompts)
        made = generate_updates(maker, paths, types, count, out / "updates.jsonl")
    wanted = len(paths) * len(types) * count
    print(f"{len(made)} of {wanted} updates accepted -> {out / 'updates.jsonl'}")


@app.command("prog-syn")
def prog_syn(
    updates: Annotated[Path, typer.Argument(help="updates.jsonl of `synth update`.")],
    model: Model,
    out: OutDir,
    count: Annotated[int, typer.Option("-n", help="Problems an update.", min=1)] = 5,
    threshold: Annotated[float, typer.Option(help="Least share of tests passed.")] = 0.6,
    max_tokens: MaxTokens = 2048,
    seed: Seed = 42,
    prompts: Prompts = None,
    allow_code: AllowCode = False,
) -> None:
    """Invent problems that need an update, with tests and a reference solution."""
    require_code_permission(allow_code)
    from tenpapers.generation import open_generator
    from tenpapers.records import read_jsonl
    from tenpapers.sandbox import SandboxPool

    from ..synth.problems import ProgSynGenerator
    from ..synth.records import GeneratedUpdate
    from ..synth.run import generate_problems
    from ..synth.stored_model import LLM

    accepted = read_jsonl(updates, GeneratedUpdate)
    with open_generator(model, cache=False) as generator, SandboxPool() as pool:
        llm = LLM(generator, out / "responses.jsonl", seed=seed, max_tokens=max_tokens)
        maker = ProgSynGenerator(llm, pool, threshold=threshold, folder=prompts)
        made = generate_problems(maker, accepted, count, out / "prog_syn.jsonl", seed=seed)
    print(f"{len(made)} of {len(accepted) * count} problems accepted -> {out / 'prog_syn.jsonl'}")


@app.command()
def dedup(
    problems: Annotated[Path, typer.Argument(help="prog_syn.jsonl of `synth prog-syn`.")],
    out: OutFile,
    threshold: Annotated[int, typer.Option(help="Token distance below which two are one.")] = 25,
) -> None:
    """Clean the tests and remove near-duplicate problems of an update (steps 7a and 7b)."""
    from tenpapers.records import read_jsonl, write_jsonl

    from ..synth.deduplication import dedup as remove
    from ..synth.deduplication import tokenizer
    from ..synth.finalize import clean
    from ..synth.records import GeneratedExample

    made = read_jsonl(problems, GeneratedExample)
    cleaned = clean(made)
    kept = remove(cleaned, threshold)
    write_jsonl(out, kept)
    print(f"{len(made)} problems, {len(cleaned)} with three good tests, {len(kept)} distinct")
    print(f"distance in tokens of the {tokenizer()[1]} -> {out}")


@app.command()
def finalize(
    problems: Annotated[Path, typer.Argument(help="What `synth dedup` wrote.")],
    out: OutFile,
) -> None:
    """Drop updates with fewer than three problems, number the rest: an arena file."""
    from tenpapers.records import write_jsonl

    from ..inputs.published_forms import read_arena_file
    from ..synth.finalize import finalise

    arena = finalise(read_arena_file(problems))
    write_jsonl(out, arena)
    updates = len({example.update.update_id for example in arena})
    print(f"{len(arena)} problems of {updates} updates -> {out}")
