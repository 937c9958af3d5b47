"""The command line: parse, call, print. Every command says what it needs and what it writes."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from tenpapers.cli import (
    Device,
    Dtype,
    Json,
    OutDir,
    Overwrite,
    Wait,
    data_app,
    make_app,
    run,
    say,
)
from tenpapers.journal import Journal
from tenpapers.settings import options

from ..inputs import fetched
from ..inputs.builders.settings import BuildConfig
from ..speed.settings import BenchSettings
from ..study.settings import Study
from ..training.settings import MaxExamples, Model, TrainConfig
from . import heads, interventions

app = make_app(
    """Retrieval heads: which heads of a model look things up, and what synthetic data does to them.

    Example: retrievalheads detect --model smollm2 --data dev.jsonl --out scores.json
    """
)
app.add_typer(data_app("retrievalheads", fetched.make), name="data")


@app.command("generate", hidden=True)  # another name for build-data
@app.command("build-data")
@options(BuildConfig)
def build_data(
    out: OutDir,
    settings: BuildConfig,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Build train, dev and test of one variant, gold spans token-exact; writes manifest.json.

    Example: retrievalheads build-data --task mdqa --variant hh --source nq.jsonl.gz
    --context-tokens 2048 --n 400 --out data/mdqa-hh
    """
    from ..inputs.builders.build import build

    key, inputs = settings.key(), settings.inputs()
    with Journal(out, key=key, inputs=inputs, overwrite=overwrite, wait=wait) as journal:
        made = build(settings, out, progress=True, place=journal.file)
    counts = ", ".join(f"{count} {split}" for split, count in made["counts"].items())
    reasons = {split: why for split, why in made["dropped"].items() if why}
    say(made, as_json, f"{counts}; dropped: {reasons or 'none'}\n-> {out}")


@app.command()
@options(TrainConfig)
def train(
    data: Annotated[
        Path, typer.Option("--data", help="Folder that `build-data` wrote, or a JSONL file.")
    ],
    out: OutDir,
    settings: TrainConfig,
    model: Model = "smollm2",
    device: Device = None,
    dtype: Dtype = None,
    max_examples: MaxExamples = None,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Tune the attention (LoRA on q, k, v, o) at an extended context; a killed run goes on.

    Example: retrievalheads train --model smollm2 --data data/mdqa-hh --context-tokens 2048
    --out runs/hh
    """
    from ..training.start import TrainingRun, train_from_file

    file = data / "train.jsonl" if data.is_dir() else data
    run_of = TrainingRun(model=model, device=device, dtype=dtype, max_examples=max_examples)
    state = train_from_file(file, out, run_of, settings, overwrite=overwrite, wait=wait)
    losses = state["losses"]
    text = (
        f"{state['trainable']} trainable numbers, {state['n_train']} examples; loss "
        f"{losses[0]:.3f} -> {losses[-1]:.3f}\n-> {out}"
    )
    say(state, as_json, text)


app.add_typer(heads.app)
app.add_typer(interventions.app)


@app.command()
def report(
    runs: Annotated[Path, typer.Option("--runs", help="Folder with runs.jsonl.")],
    as_json: Json = False,
) -> None:
    """Table, figure and verdicts from the runs of a study; writes report.md beside them.

    Example: retrievalheads report --runs runs/retrievalheads-cpu
    """
    from ..study.study_report import report_folder

    with Journal.again(runs) as journal:
        verdicts = report_folder(journal)
    text = "\n".join(f"{v['claim']}: {v['verdict']}" for v in verdicts)
    say(verdicts, as_json, f"{text}\n-> {runs / 'report.md'}")


@app.command()
@options(BenchSettings)
def bench(settings: BenchSettings, as_json: Json = False) -> None:
    """Time and memory of the scoring alone and of three detectors on one grid.

    Ratios are printed once scores agree.

    Example: retrievalheads bench --lengths 256,512 --depths 5
    """
    from ..speed.compare import run_bench

    found = run_bench(settings)
    say(found.values, as_json, found.text)


@app.command()
@options(Study, scales="retrievalheads")
def reproduce(
    out: OutDir,
    settings: Study,
    scale: Annotated[
        Literal["cpu", "paper", "paper-mistral"],
        typer.Option("--scale", help="Two CPU cores, or one of the paper's two models."),
    ] = "cpu",
    overwrite: Overwrite = False,
    wait: Wait = False,
) -> None:
    """Run the study: variants, heads, correlation, knockout, patching; writes report and figure.

    Example: retrievalheads reproduce --scale cpu --out runs/retrievalheads-cpu
    """
    from ..study.reproduce import open_study
    from ..study.reproduce import reproduce as run_study

    with open_study(out, settings, overwrite=overwrite, wait=wait) as journal:
        run_study(journal, settings, title=f"Retrieval heads, {scale} scale")


def main() -> None:
    """Run the command line."""
    run(app)
