"""The command line: parse, call, print. Every command says what it needs and what it writes."""

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
    Seed,
    make_app,
    require_code_permission,
    run,
)

from ..options import (
    ArenaArg,
    ArenaOption,
    Demo,
    Ids,
    Lenient,
    MaxTokens,
    Memory,
    Overwrite,
    Profile,
    Prompts,
    Samples,
    Strong,
    Temperature,
    Timeout,
    TopP,
    Workers,
    one_of,
    say,
)
from .data import app as data_app
from .editing import register as register_editing
from .synth import app as synth_app

app = make_app(
    """CodeUpdateArena: can a code model use an API update after being edited with it?

    Example: codeupdatearena reproduce --scale cpu --out runs/first
    """
)
app.add_typer(data_app, name="data")
app.add_typer(synth_app, name="synth")


@app.command()
def verify(
    source: ArenaArg,
    out: OutDir,
    profile: Profile = "current",
    workers: Workers = None,
    timeout: Timeout = 15.0,
    memory: Memory = 4.0,
    require_isolation: Strong = False,
    limit: Limit = None,
    ids: Ids = None,
    as_json: Json = False,
) -> None:
    """Run every reference solution with and without the update; flag what cannot be trusted.

    Example: codeupdatearena verify arena.jsonl --out runs/verify
    """
    from tenpapers.records import write_json, write_jsonl
    from tenpapers.report import Table
    from tenpapers.sandbox import Limits, SandboxPool

    from ..execution.function_lookup import check_functions
    from ..execution.library_profiles import interpreter, library_versions
    from ..execution.references import flag, run_references, summary
    from ..inputs.arena import load_arena

    one_of("profile", profile, ("current", "paper"))
    examples = load_arena(source).select(ids=ids, limit=limit).examples
    python = interpreter(profile)  # type: ignore[arg-type]
    with SandboxPool(
        workers=workers,
        limits=Limits(timeout=timeout, memory_gb=memory),
        isolation="full" if require_isolation else "auto",
        python=python,
    ) as pool:
        check_functions(examples, pool, python)
        outcomes = run_references(examples, pool)
        write_jsonl(out / "outcomes.jsonl", outcomes)
        flags = flag(examples, outcomes, pool)
    flags |= {"profile": profile, "versions": library_versions(python)}
    write_json(out / "flags.json", flags)
    numbers = summary(outcomes, flags)
    table = Table("", ["", "n"], [[name, count] for name, count in numbers.items()])
    say(numbers, as_json, f"{table.text()}\n-> {out / 'outcomes.jsonl'}, {out / 'flags.json'}")


@app.command()
def literalize(
    source: ArenaArg,
    out: OutFile,
    workers: Workers = None,
    timeout: Timeout = 15.0,
    limit: Limit = None,
    ids: Ids = None,
) -> None:
    """Replace computed expected values by literals, so that tests need no update themselves."""
    from tenpapers.records import write_jsonl
    from tenpapers.sandbox import Limits, SandboxPool

    from ..execution.literal_tests import literalise
    from ..inputs.arena import load_arena

    examples = load_arena(source).select(ids=ids, limit=limit).examples
    with SandboxPool(workers=workers, limits=Limits(timeout=timeout)) as pool:
        made, counts = literalise(examples, pool)
    write_jsonl(out, made)
    for name, count in counts.most_common():
        print(f"{count:6d} {name}")
    print(f"-> {out}")


@app.command()
def render(
    source: ArenaArg,
    out: OutFile,
    method: Annotated[str, typer.Option("--method", help="base or prepend.")] = "base",
    demo: Demo = None,
    prompts: Prompts = None,
    limit: Limit = None,
    ids: Ids = None,
) -> None:
    """Write the prompts of a method, for a model of your own."""
    from tenpapers.records import write_jsonl

    from ..inputs.arena import load_arena
    from ..sampling.prompts import demonstration
    from ..sampling.sample import prompt_of

    shown = demonstration(demo)
    lines = [
        {"prog_syn_id": e.prog_syn_id, "prompt": prompt_of(e, method, shown, prompts)}
        for e in load_arena(source).select(ids=ids, limit=limit).examples
    ]
    write_jsonl(out, lines)
    print(f"{len(lines)} prompts -> {out}")


@app.command()
def generate(
    source: ArenaArg,
    out: OutFile,
    model: Model = "smollm2",
    method: Annotated[str, typer.Option("--method", help="base or prepend.")] = "base",
    n: Samples = 5,
    temperature: Temperature = 0.8,
    top_p: TopP = 0.7,
    max_tokens: MaxTokens = 512,
    seed: Seed = 42,
    demo: Demo = None,
    prompts: Prompts = None,
    lenient: Lenient = False,
    cache: Cache = True,
    limit: Limit = None,
    ids: Ids = None,
    overwrite: Overwrite = False,
) -> None:
    """Sample solutions with the model as it is; append-only, run again to go on.

    Example: codeupdatearena generate arena.jsonl --method prepend --model
    vllm:deepseek-ai/deepseek-coder-7b-instruct-v1.5 --out runs/prepend.jsonl
    """
    from tenpapers.generation import Sampling, open_generator

    from ..inputs.arena import load_arena
    from ..sampling.prompts import demonstration
    from ..sampling.sample import requests_for, sample_to_file

    requests = requests_for(
        load_arena(source).select(ids=ids, limit=limit).examples,
        method,
        n=n,
        seed=seed,
        sampling=Sampling(temperature=temperature, top_p=top_p, max_tokens=max_tokens),
        demo=demonstration(demo),
        folder=prompts,
    )
    with open_generator(model, cache=cache) as generator:
        made = sample_to_file(
            requests,
            generator,
            out,
            method=method,
            model=model,
            seed=seed,
            lenient=lenient,
            overwrite=overwrite,
        )
    print(f"{len(made)} predictions ({method}, {model}) -> {out}")


register_editing(app)


@app.command()
def evaluate(
    predictions: Annotated[Path, typer.Argument(help="JSONL: prog_syn_id, sample, code.")],
    arena: ArenaOption,
    out: OutDir,
    workers: Workers = None,
    timeout: Timeout = 15.0,
    memory: Memory = 4.0,
    full_report: Annotated[
        bool, typer.Option("--full-report", help="Every test in both modes: all diagnostics.")
    ] = False,
    criterion: Annotated[
        str, typer.Option("--criterion", help="Headline: official, strict or called.")
    ] = "official",
    k: Annotated[list[int] | None, typer.Option("-k", help="Default 1, 2, 5 up to n.")] = None,
    flags: Annotated[
        Path | None, typer.Option("--flags", help="flags.json of `verify` (strict: else made).")
    ] = None,
    isolation: Annotated[
        str, typer.Option("--isolation", help="A process for each test, or for each sample.")
    ] = "test",
    cold: Annotated[bool, typer.Option("--cold", help="Preload no library.")] = False,
    require_isolation: Strong = False,
    profile: Profile = "current",
    exclude_known: Annotated[
        bool, typer.Option("--exclude-known", help="Leave known-bad instances out.")
    ] = False,
    allow_partial: Annotated[
        bool, typer.Option("--allow-partial", help="Accept fewer samples for some examples.")
    ] = False,
    limit: Limit = None,
    ids: Ids = None,
    seed: Seed = 42,
    overwrite: Overwrite = False,
    as_json: Json = False,
    allow_code: AllowCode = False,
) -> None:
    """Execute predictions with and without the update -> reports.jsonl, metrics.json, a table.

    Example: codeupdatearena evaluate predictions.jsonl --arena arena.jsonl --out runs/mine
    --allow-code
    """
    require_code_permission(allow_code)
    from tenpapers.records import write_json

    from ..execution.executor import Sandbox
    from ..execution.function_lookup import check_functions
    from ..execution.library_profiles import interpreter, library_versions
    from ..inputs.arena import load_arena
    from ..scoring.evaluate import (
        Criterion,
        default_ks,
        read_dependence,
        read_predictions,
        summarise,
        table,
    )
    from ..scoring.evaluate import evaluate as execute

    headline: Criterion = one_of("criterion", criterion, ("official", "strict", "called"))
    one_of("isolation", isolation, ("test", "sample"))
    one_of("profile", profile, ("current", "paper"))
    loaded = load_arena(arena).select(ids=ids, limit=limit)
    found = read_predictions(predictions, loaded, allow_partial=allow_partial)
    ks = default_ks(found, k)
    python = interpreter(profile)  # type: ignore[arg-type]
    settings = {
        "predictions": str(predictions.resolve()),
        "timeout": timeout,
        "memory_gb": memory,
        "full_report": full_report,
        "criterion": criterion,
        "isolation": isolation,
        "cold": cold,
        "profile": profile,
    }
    with Sandbox(
        workers,
        timeout,
        memory,
        full_report=full_report,
        called=criterion == "called",
        strict=criterion == "strict",
        dependence=read_dependence(flags),
        isolation=isolation,  # type: ignore[arg-type]
        require_isolation=require_isolation,
        preload=not cold,
        python=python,
    ) as sandbox:
        asked = {p.prog_syn_id for p in found if p.code.strip()}
        check_functions([loaded.by_id[name] for name in asked], sandbox.pool, python)
        reports = execute(found, loaded, sandbox, out, settings=settings, overwrite=overwrite)
    metrics = summarise(reports, ks, exclude_known=exclude_known, seed=seed)
    metrics |= {"versions": library_versions(python), "settings": settings}
    write_json(out / "metrics.json", metrics)
    say(metrics, as_json, table(metrics, ks, headline).text())
    if not as_json:
        print(f"-> {out / 'reports.jsonl'}, {out / 'metrics.json'}")


@app.command()
def specificity(
    humaneval: Annotated[Path, typer.Option("--humaneval", help="HumanEval tasks, JSONL.")],
    out: OutDir,
    adapters: Annotated[
        Path | None, typer.Option("--adapters", help="Folder that `edit` wrote; none: base only.")
    ] = None,
    model: Model = "smollm2",
    n: Samples = 5,
    edits: Annotated[int, typer.Option("--edits", help="Edited models to ask.", min=1)] = 25,
    updates: Annotated[
        Path | None, typer.Option("--updates", help="JSON list of update ids to take edits of.")
    ] = None,
    temperature: Temperature = 0.8,
    top_p: TopP = 0.7,
    max_tokens: MaxTokens = 512,
    seed: Seed = 42,
    prompts: Prompts = None,
    cache: Cache = True,
    limit: Limit = None,
    workers: Workers = None,
    overwrite: Overwrite = False,
    allow_code: AllowCode = False,
) -> None:
    """HumanEval with the edited models -> specificity.json (SPass@k, change against base)."""
    require_code_permission(allow_code)
    from tenpapers.generation import Sampling, open_generator
    from tenpapers.records import write_json
    from tenpapers.report import Table

    from ..scoring.specificity import choose_edits, measure_specificity, read_tasks, task_requests

    tasks = read_tasks(humaneval)[:limit]
    requests = task_requests(
        tasks,
        {"": ""} | choose_edits(adapters, edits, updates),
        n=n,
        seed=seed,
        sampling=Sampling(temperature=temperature, top_p=top_p, max_tokens=max_tokens),
        folder=prompts,
    )
    with open_generator(model, cache=cache) as generator:
        made = measure_specificity(
            requests,
            tasks,
            generator,
            out / "humaneval.jsonl",
            n=n,
            workers=workers,
            overwrite=overwrite,
        )
    write_json(out / "specificity.json", made | {"model": model, "n": n})
    rows = [[k, v, made["edited"].get(k), made["change"].get(k)] for k, v in made["base"].items()]
    print(Table("", ["", "base", "edited", "change"], rows).text())
    print(f"{made['n_tasks']} tasks, {made['n_edits']} edits -> {out / 'specificity.json'}")


@app.command()
def report(
    runs: Annotated[list[Path], typer.Argument(help="Folders that `evaluate` wrote.")],
    out: OutDir,
) -> None:
    """Put runs side by side: main table, by package, by type, figure -> report.md."""
    import time

    from tenpapers.report import manifest, write_report

    from ..study.tables import full_report, main_table, read_runs, shared_ks

    began = time.monotonic()
    found = read_runs(runs)
    body, results = full_report(found, out)
    details = manifest({"runs": [str(run) for run in runs]}, seed=42, began=began)
    write_report(out, "CodeUpdateArena", body, results=results, manifest=details)
    print(main_table(found, shared_ks(found)).text())
    print(f"-> {out / 'report.md'}")


@app.command()
def reproduce(
    out: OutDir,
    scale: Annotated[str, typer.Option("--scale", help="cpu (minutes) or paper (GPU).")] = "cpu",
    arena: Annotated[
        str | None, typer.Option("--arena", help="Arena; default: found, see the README.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="YAML that replaces the scale's settings.")
    ] = None,
    model: Annotated[str | None, typer.Option("--model", help="Another model spec.")] = None,
    budget: Annotated[
        float | None, typer.Option("--budget", help="Seconds for the likelihood part.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed; default 42.")] = None,
    limit: Limit = None,
    overwrite: Overwrite = False,
) -> None:
    """Run the whole study at one scale -> report.md, table.csv, *.png, results.json, manifest.json.

    Example: codeupdatearena reproduce --scale cpu --out runs/codeupdatearena-cpu
    """
    one_of("scale", scale, ("cpu", "paper"))
    from ..study.reproduce import reproduce as run_study

    run_study(
        out,
        scale=scale,
        arena=arena,
        config=config,
        model=model,
        budget=budget,
        seed=seed,
        limit=limit,
        overwrite=overwrite,
    )


def main() -> None:
    """Run the command line."""
    run(app)
