"""The command line: parse, call, print. Every command says what it needs and what it writes."""

from typing import Annotated, Literal

import typer
from tenpapers.cli import (
    Json,
    OutDir,
    OutFile,
    Overwrite,
    Wait,
    data_app,
    make_app,
    run,
    say,
    stop_on_failures,
)
from tenpapers.journal import Journal
from tenpapers.settings import options

from ..inputs import fetched
from ..study.settings import EvaluateSettings, GenerateSettings, Study
from . import analysis, baselines, train

app = make_app(
    """LoFiT: pick a few attention heads, learn one offset vector for each, and nothing else.

    Example: lofit train --task mquake --model smollm2 --out runs/first
    """
)
app.add_typer(data_app("lofit", fetched.make), name="data")
app.add_typer(train.app)
app.add_typer(baselines.app, name="baseline")
app.add_typer(analysis.app)

Scale = Annotated[
    Literal["cpu", "paper", "paper_llama2_13b", "paper_gemma_7b"],
    typer.Option("--scale", help="Two CPU cores, or the paper's setting on its three models."),
]


@app.command()
@options(EvaluateSettings, without=["pairs", "train_size", "seed"])
def evaluate(
    settings: EvaluateSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Grade a model, with or without an adapter; writes predictions.jsonl and results.json.

    Example: lofit evaluate --task mquake --adapter runs/first/adapter --out runs/eval
    """
    from ..study.evaluation import evaluate as grade
    from ..study.tables import metrics_text

    with settings.journal("evaluate", out, overwrite=overwrite, wait=wait) as journal:
        results, graded = grade(settings, journal)
    say(results, as_json, f"{metrics_text(results)}\n-> {out / 'predictions.jsonl'}")
    stop_on_failures(graded.failed, graded.asked)


@app.command()
@options(GenerateSettings)
def generate(
    settings: GenerateSettings,
    out: OutFile,
    overwrite: Overwrite = False,
    wait: Wait = False,
) -> None:
    """Complete prompts with an adapter; vllm serves a merged folder, made beside the output.

    Example: lofit generate --adapter runs/first/adapter --prompts p.jsonl --out o.jsonl
    """
    from tenpapers.generation import Sampling

    from ..inputs.user_rows import read_as
    from ..serving.serve import Prompt, generate_to_file

    key, inputs = settings.key("generate"), [settings.prompts]
    with Journal.of_file(out, key=key, inputs=inputs, overwrite=overwrite, wait=wait) as journal:
        log = generate_to_file(
            read_as(settings.prompts, Prompt),
            journal,
            out.name,
            settings.load_model(),
            sampling=Sampling(
                max_tokens=settings.max_tokens, temperature=settings.temperature, seed=settings.seed
            ),
            adapter=settings.adapter,
            backend=settings.backend,
            strength=settings.scale,
            chat=settings.chat(settings.chat_template),
            cache=settings.cache,
        )
    failed = f", {log.n_failed} without an answer" if log.n_failed else ""
    cut = sum(row["finish_reason"] == "length" for row in log.rows.values())
    at_limit = f", {cut} ended at --max-tokens {settings.max_tokens}" if cut else ""
    print(f"{len(log.rows)} completions{failed}{at_limit} -> {out}")
    stop_on_failures(log.n_failed, len(log.rows))


@app.command()
@options(Study, scales="lofit")
def reproduce(
    settings: Study,
    out: OutDir,
    scale: Scale = "cpu",
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of every choice.")] = None,
    overwrite: Overwrite = False,
    wait: Wait = False,
) -> None:
    """Run the study: baselines, both steps, controls; writes report, table, figure.

    Example: lofit reproduce --scale cpu --out runs/lofit-cpu
    """
    from ..study.reproduce import open_study
    from ..study.reproduce import reproduce as run_study

    opened, study = open_study(out, settings, seed=seed, overwrite=overwrite, wait=wait)
    with opened as journal:
        run_study(journal, study, scale=scale)


def main() -> None:
    """Run the command line."""
    run(app)
