"""Commands that execute code: references, predictions, and the tasks of HumanEval."""

from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import (
    AllowCode,
    Cache,
    Json,
    Limit,
    Model,
    OutDir,
    OutFile,
    Overwrite,
    Wait,
    require_code_permission,
    say,
)
from tenpapers.settings import options

from ..execution.settings import SandboxSettings
from ..scoring.settings import EvaluateSettings, SpecificitySettings
from .arguments import ArenaArg, ArenaOption, Ids

app = typer.Typer()


@app.command()
@options(SandboxSettings)
def verify(
    settings: SandboxSettings,
    source: ArenaArg,
    out: OutDir,
    limit: Limit = None,
    ids: Ids = None,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
    allow_code: AllowCode = False,
) -> None:
    """Run every reference solution with and without the update; flag what cannot be trusted.

    Example: codeupdatearena verify arena.jsonl --out runs/verify
    """
    from tenpapers.journal import Journal, key_of
    from tenpapers.report import Table

    from ..execution.references import verify as run_all
    from ..inputs.arena import arena_file, arena_key, load_arena

    arena = load_arena(source).select(ids=ids, limit=limit)
    if settings.weak_sandbox or arena.model_written:
        require_code_permission(allow_code)
    key = key_of("codeupdatearena verify", settings, arena=arena_key(source, arena), limit=limit)
    inputs = [arena_file(source), ids, *settings.inputs]
    with Journal(out, key=key, inputs=inputs, overwrite=overwrite, wait=wait) as journal:
        hidden = [file for file in (arena_file(source),) if file]
        numbers = run_all(arena.examples, settings, journal, hidden=hidden)
    table = Table("", ["", "n"], [[name, count] for name, count in numbers.items()])
    say(numbers, as_json, f"{table.text()}\n-> {out / 'outcomes.jsonl'}, {out / 'flags.json'}")


@app.command()
@options(SandboxSettings)
def literalize(
    settings: SandboxSettings,
    source: ArenaArg,
    out: OutFile,
    limit: Limit = None,
    ids: Ids = None,
    allow_code: AllowCode = False,
) -> None:
    """Replace computed expected values by literals, so that tests need no update themselves.

    Example: codeupdatearena literalize arena.jsonl --out arena.literal.jsonl
    """
    from tenpapers.journal import Journal
    from tenpapers.records import write_jsonl
    from tenpapers.sandbox import summary_line

    from ..execution.library_profiles import interpreter
    from ..execution.literal_tests import literalise
    from ..inputs.arena import arena_file, load_arena

    arena = load_arena(source).select(ids=ids, limit=limit)
    if settings.weak_sandbox or arena.model_written:
        require_code_permission(allow_code)
    inputs = [arena_file(source), ids, *settings.inputs]
    with Journal.once(out, command="codeupdatearena literalize", inputs=inputs) as journal:
        file = journal.file(out.name)
        hidden = [file for file in (arena_file(source),) if file]
        with settings.open_pool(interpreter(settings.profile), hidden) as pool:
            made, counts = literalise(arena.examples, pool)
            print(summary_line(pool.summary()))
        write_jsonl(file, made)
    for name, count in counts.most_common():
        print(f"{count:6d} {name}")
    print(f"-> {out}")


@app.command()
@options(EvaluateSettings)
def evaluate(
    settings: EvaluateSettings,
    predictions: Annotated[
        Path, typer.Argument(help="JSONL: prog_syn_id, sample, code; or answers.")
    ],
    arena: ArenaOption,
    out: OutDir,
    limit: Limit = None,
    ids: Ids = None,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
    allow_code: AllowCode = False,
) -> None:
    """Execute predictions with and without the update -> reports.jsonl, metrics.json, a table.

    Example: codeupdatearena evaluate predictions.jsonl --arena arena.jsonl --out runs/mine
    --allow-code
    """
    require_code_permission(allow_code)
    from tenpapers.journal import Journal, key_of

    from ..inputs.arena import arena_file, arena_key, load_arena
    from ..scoring.evaluate import COUNTING, evaluate_file

    loaded = load_arena(arena).select(ids=ids, limit=limit)
    with Journal(
        out,
        key=key_of(
            "codeupdatearena evaluate",
            settings,
            without=COUNTING,
            arena=arena_key(arena, loaded),
            limit=limit,
        ),
        inputs=[predictions, arena_file(arena), ids, *settings.inputs],
        overwrite=overwrite,
        wait=wait,
    ) as journal:
        metrics, table = evaluate_file(
            predictions, loaded, settings, journal, hidden=arena_file(arena)
        )
    say(metrics, as_json, f"{table.text()}\n-> {out / 'reports.jsonl'}, {out / 'metrics.json'}")


@app.command()
@options(SpecificitySettings)
def specificity(
    settings: SpecificitySettings,
    humaneval: Annotated[Path, typer.Option("--humaneval", help="HumanEval tasks, JSONL.")],
    out: OutDir,
    adapters: Annotated[
        Path | None, typer.Option("--adapters", help="Folder that `edit` wrote; none: base only.")
    ] = None,
    model: Model = "smollm2",
    cache: Cache = True,
    limit: Limit = None,
    overwrite: Overwrite = False,
    wait: Wait = False,
    allow_code: AllowCode = False,
) -> None:
    """HumanEval with the edited models -> specificity.json (SPass@k, change against base).

    Example: codeupdatearena specificity --adapters runs/ft-ps --humaneval HumanEval.jsonl
    --model hf:ID --out runs/eval-ft-ps --allow-code
    """
    require_code_permission(allow_code)
    from tenpapers.generation import open_generator
    from tenpapers.journal import Journal, files_of, key_of, known_by
    from tenpapers.models.identity import folder_identity

    from ..editing.edits import check_base, read_edits
    from ..scoring.specificity import ask_edited_models, read_tasks, specificity_table

    tasks = read_tasks(humaneval)[:limit]
    edited = None
    if adapters is not None:
        edited = known_by(adapters.name, folder_identity(adapters / "adapters"))
        check_base(read_edits(adapters), model, adapters)
    with (
        open_generator(model, cache=cache) as generator,
        # Beside the run of `evaluate`: `report` wants both in one folder.
        Journal.of_file(
            out / "specificity.json",
            key=key_of(
                "codeupdatearena specificity",
                settings,
                model=known_by(model, generator.backend.identity),
                adapters=edited,
                limit=limit,
            ),
            inputs=[humaneval, adapters and adapters / "edits.jsonl", *files_of(settings)],
            overwrite=overwrite,
            wait=wait,
        ) as journal,
        settings.open_pool(hidden=[humaneval]) as pool,
    ):
        made = ask_edited_models(
            tasks, adapters, settings, generator, journal, pool=pool, model=model
        )
    print(specificity_table(made).text())
    print(f"{made['n_tasks']} tasks, {made['n_edits']} edits -> {out / 'specificity.json'}")
