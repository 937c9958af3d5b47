"""Commands of training: labels from the three signals, training rows, fine-tuning, export."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from tenpapers.cli import (
    Cache,
    Json,
    OutDir,
    OutFile,
    Overwrite,
    PromptsFolder,
    Seed,
    Wait,
    say,
    stop_on_failures,
)
from tenpapers.settings import options

from ..signals.settings import DistillSettings, GoldSettings, LercSettings, MakeTrainSettings
from ..training.settings import TrainSettings

app = typer.Typer()
signals = typer.Typer(
    help="Label candidates: which passages answer, by annotations, a teacher, a reader's answers."
    "\n\nExample: cfr signals gold --candidates c.jsonl --references dev.json --out gold.jsonl",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(signals, name="signals")


@signals.command()
@options(GoldSettings)
def gold(settings: GoldSettings, out: OutFile, as_json: Json = False) -> None:
    """Positive: windows of the annotated pages that cover a person's answer.

    Example: cfr signals gold --candidates c.jsonl --references dev.json --out gold.jsonl
    """
    from ..signals.label_files import label_by_gold

    counts = label_by_gold(settings, out)
    say(counts.as_json(), as_json, counts.told(), f"-> {out}")


@signals.command()
@options(DistillSettings)
def distill(
    settings: DistillSettings,
    out: OutFile,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Positive: windows that a teacher model finds to contain or imply the answer.

    Example: cfr signals distill --candidates c.jsonl --teacher smollm2 --mode pointwise --out
    distill.jsonl
    """
    from ..signals.label_files import label_by_teacher

    counts = label_by_teacher(settings, out, overwrite=overwrite, wait=wait)
    say(counts.as_json(), as_json, counts.told(), f"-> {out}")
    stop_on_failures(counts.failed, counts.queries)


@signals.command()
@options(LercSettings)
def lerc(
    settings: LercSettings,
    out: OutFile,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Positive: windows from which a reader answers as people did.

    Example: cfr signals lerc --candidates c.jsonl --references dev.json --reader smollm2 --scorer
    embed --out lerc.jsonl
    """
    from ..signals.label_files import label_by_answers

    counts = label_by_answers(settings, out, overwrite=overwrite, wait=wait)
    say(counts.as_json(), as_json, counts.told(), f"-> {out}")
    stop_on_failures(counts.failed, counts.queries * settings.windows)


@app.command("make-train")
@options(MakeTrainSettings)
def make_train(settings: MakeTrainSettings, out: OutFile, as_json: Json = False) -> None:
    """Make training rows from labels: positive by any signal, negative by one and no other.

    Example: cfr make-train --labels gold.jsonl --labels distill.jsonl --candidates c.jsonl --out
    train.jsonl
    """
    from ..signals.label_files import make_train as run

    counts = run(settings, out)
    text = (
        f"{counts.rows} rows with {counts.positives} positives and {counts.negatives} negatives; "
        f"{counts.without_positive} queries without a positive, {counts.without_labels} without "
        "labels"
    )
    say(counts.as_json(), as_json, text, f"-> {out}")


@app.command()
@options(TrainSettings)
def train(
    train: Annotated[Path, typer.Option("--train", help="JSONL of training rows.")],
    settings: TrainSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Fine-tune a bi-encoder; writes a sentence-transformers folder and metrics.json.

    Several GPUs: accelerate launch -m cfr train ...; a killed run goes on where it was saved.

    Example: cfr train --train train.jsonl --base contriever --out runs/cfr
    """
    from ..training.train_files import train_file

    report = train_file(train, settings, out, overwrite=overwrite, wait=wait)
    if report is None:  # another process writes and speaks
        return
    values = report.as_json()
    say(values, as_json, report.told(), f"-> {out}")


@app.command()
def synth(
    out: OutFile,
    n: Annotated[int, typer.Option("--n", help="Items, a fifth of them for test.", min=1)] = 500,
    seed: Seed = 0,
    labels: Annotated[
        Path | None, typer.Option("--labels", help="File for which windows answer.")
    ] = None,
    split: Annotated[
        Literal["both", "train", "test"], typer.Option("--split", help="Which items are written.")
    ] = "both",
    paraphrase: Annotated[
        str | None, typer.Option("--paraphrase", help="Model spec that rewrites the windows.")
    ] = None,
    prompts: PromptsFolder = None,
    cache: Cache = True,
    as_json: Json = False,
) -> None:
    """Write the synthetic inference set: the right window never uses the claim's words.

    Example: cfr synth --n 500 --seed 0 --out synth.jsonl
    """
    from ..synthetic.synth_file import synth_file

    counts = synth_file(
        out,
        n,
        labels=labels,
        split=split,
        seed=seed,
        model=paraphrase,
        folder=prompts,
        cache=cache,
    )
    text = ", ".join(f"{name} {count}" for name, count in counts.items())
    say(counts, as_json, text, f"-> {out}")
    stop_on_failures(counts.get("failed", 0), counts["windows"])


@app.command()
def export(
    model: Annotated[str, typer.Option("--model", help="Checkpoint, folder or hub id.")],
    out: OutDir,
    form: Annotated[
        Literal["sentence-transformers"], typer.Option("--format", help="Of the folder.")
    ] = "sentence-transformers",
    overwrite: Overwrite = False,
    wait: Wait = False,
) -> None:
    """Write a model as a folder that sentence-transformers loads, with the same vectors.

    Example: cfr export --model runs/cfr --format sentence-transformers --out exported
    """
    from ..training.train_files import export_model

    export_model(model, out, overwrite=overwrite, wait=wait)
    say({}, False, f"-> {out}")
