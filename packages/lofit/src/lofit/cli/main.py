"""The command line: parse, call, print. Every command says what it needs and what it writes."""

from typing import Annotated, Literal

import typer
from tenpapers.cli import Json, OutDir, OutFile, Overwrite, data_app, make_app, run, say
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
def evaluate(settings: EvaluateSettings, out: OutDir, as_json: Json = False) -> None:
    """Grade a model, with or without an adapter; writes predictions.jsonl and results.json.

    Example: lofit evaluate --task mquake --adapter runs/first/adapter --out runs/eval
    """
    from ..study.evaluation import evaluate as grade
    from ..study.tables import metrics_text

    results = grade(settings, out)
    say(results, as_json, f"{metrics_text(results)}\n-> {out / 'predictions.jsonl'}")


@app.command()
@options(GenerateSettings)
def generate(settings: GenerateSettings, out: OutFile) -> None:
    """Complete prompts with an adapter; vllm serves a merged folder, made beside the output.

    Example: lofit generate --adapter runs/first/adapter --prompts p.jsonl --out o.jsonl
    """
    from tenpapers.generation import Sampling
    from tenpapers.records import read_jsonl

    from ..serving.serve import Prompt, generate_to_file

    written = generate_to_file(
        read_jsonl(settings.prompts, Prompt),
        out,
        settings.load_model(),
        sampling=Sampling(
            max_tokens=settings.max_tokens, temperature=settings.temperature, seed=settings.seed
        ),
        adapter=settings.adapter,
        backend=settings.backend,
        strength=settings.scale,
        chat=settings.chat_template,
        cache=settings.cache,
    )
    print(f"{written} completions -> {out}")


@app.command()
@options(Study, scales="lofit")
def reproduce(
    settings: Study,
    out: OutDir,
    scale: Scale = "cpu",
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of every choice.")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Run the study: baselines, both steps, controls; writes report, table, figure.

    Example: lofit reproduce --scale cpu --out runs/lofit-cpu
    """
    from ..study.reproduce import reproduce as run_study

    run_study(out, settings, scale=scale, seed=seed, overwrite=overwrite)


def main() -> None:
    """Run the command line."""
    run(app)
