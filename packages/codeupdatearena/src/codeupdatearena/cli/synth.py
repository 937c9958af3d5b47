"""`codeupdatearena synth ...`: parse, call, print."""

from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import AllowCode, OutDir, OutFile, Overwrite, Wait, require_code_permission
from tenpapers.settings import options

from ..synth.settings import ProblemSettings, UpdateSettings

app = typer.Typer(
    help="Generate new updates and problems with any model, step by step (restartable).",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
@options(UpdateSettings)
def update(
    settings: UpdateSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
    allow_code: AllowCode = False,
) -> None:
    """Invent updates of functions: specification, tests, implementation, all executed.

    Example: codeupdatearena synth update --model openai:gpt-4o --function math.sin
    --type add-argument --out runs/new --allow-code
    """
    require_code_permission(allow_code)
    from ..synth.run import invent_updates

    made, wanted = invent_updates(settings, out, overwrite=overwrite, wait=wait)
    print(f"{len(made)} of {wanted} updates accepted -> {out / 'updates.jsonl'}")


@app.command("prog-syn")
@options(ProblemSettings)
def prog_syn(
    settings: ProblemSettings,
    updates: Annotated[Path, typer.Argument(help="updates.jsonl of `synth update`.")],
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
    allow_code: AllowCode = False,
) -> None:
    """Invent problems that need an update, with tests and a reference solution.

    Example: codeupdatearena synth prog-syn runs/new/updates.jsonl --model openai:gpt-4o --out
    runs/problems --allow-code
    """
    require_code_permission(allow_code)
    from ..synth.run import invent_problems

    made, wanted = invent_problems(updates, settings, out, overwrite=overwrite, wait=wait)
    print(f"{len(made)} of {wanted} problems accepted -> {out / 'prog_syn.jsonl'}")


@app.command()
def dedup(
    problems: Annotated[Path, typer.Argument(help="prog_syn.jsonl of `synth prog-syn`.")],
    out: OutFile,
    threshold: Annotated[int, typer.Option(help="Token distance below which two are one.")] = 25,
) -> None:
    """Clean the tests and remove near-duplicate problems of an update.

    Example: codeupdatearena synth dedup runs/problems/prog_syn.jsonl --out deduplicated.jsonl
    """
    from tenpapers.journal import Journal
    from tenpapers.records import read_jsonl, write_jsonl

    from ..synth.deduplication import dedup as remove
    from ..synth.deduplication import tokenizer
    from ..synth.finalize import clean
    from ..synth.records import GeneratedExample

    made = read_jsonl(problems, GeneratedExample)
    cleaned = clean(made)
    kept = remove(cleaned, threshold)
    command = "codeupdatearena synth dedup"
    with Journal.once(out, command=command, inputs=[problems]) as journal:
        write_jsonl(journal.file(out.name), kept)
    print(f"{len(made)} problems, {len(cleaned)} with three good tests, {len(kept)} distinct")
    print(f"distance in tokens of the {tokenizer()[1]} -> {out}")


@app.command()
def finalize(
    problems: Annotated[Path, typer.Argument(help="What `synth dedup` wrote.")],
    out: OutFile,
) -> None:
    """Drop updates with fewer than three problems, number the rest: an arena file.

    Example: codeupdatearena synth finalize deduplicated.jsonl --out arena.jsonl
    """
    from tenpapers.journal import Journal
    from tenpapers.records import write_jsonl

    from ..inputs.published_forms import read_arena_file
    from ..synth.finalize import finalise

    arena = finalise(read_arena_file(problems))
    command = "codeupdatearena synth finalize"
    with Journal.once(out, command=command, inputs=[problems]) as journal:
        write_jsonl(journal.file(out.name), arena)
    updates = len({example.update.update_id for example in arena})
    print(f"{len(arena)} problems of {updates} updates -> {out}")
