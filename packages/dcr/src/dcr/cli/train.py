"""Commands that fine-tune critics and refiners."""

import typer
from tenpapers.cli import Json, OutDir, Overwrite, Wait, say
from tenpapers.report import Table
from tenpapers.settings import options

from ..training.settings import Kind, TrainSettings

app = typer.Typer(
    help="Fine-tune a critic or a refiner on distilled rows (needs dcr[train])."
    "\n\nExample: dcr train critique critique_rows.jsonl --base smollm2 --out runs/critic",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def _train(
    kind: Kind, settings: TrainSettings, out: OutDir, overwrite: bool, wait: bool, as_json: bool
) -> None:
    from ..training.train import ADAPTER, MERGED
    from ..training.train import train as run

    state = run(kind, settings, out, overwrite=overwrite, wait=wait)
    names = {
        "train_rows": "rows",
        "train_rows_too_long": "left out, too long",
        "dev_rows": "rows to stop by",
        "updates": "updates",
        "first_loss": "first loss",
        "last_loss": "last loss",
        "dev_loss": "loss to stop by",
    }
    row = [state[name] for name in names]
    table = Table(f"{state['type']}, base {state['base']}", list(names.values()), [row])
    where = f"-> {out / ADAPTER}" + (f", {out / MERGED}" if settings.merge else "")
    say(state, as_json, table, where)


@app.command()
@options(TrainSettings)
def critique(
    settings: TrainSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Train a critic: a sentence that has an error, and what is wrong with it.

    Example: dcr train critique rows.jsonl --base hf:meta-llama/Llama-2-7b-chat-hf --out runs/critic
    """
    _train("critique", settings, out, overwrite, wait, as_json)


@app.command()
@options(TrainSettings, without=["with_correct"])
def refine(
    settings: TrainSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Train a refiner: a response with numbered feedback, and what it should become.

    Example: dcr train refine rows.jsonl --base smollm2 --merge --out runs/refiner
    """
    _train("refine", settings, out, overwrite, wait, as_json)


@app.command()
@options(TrainSettings, without=["with_correct"])
def direct(
    settings: TrainSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Train a Direct refiner: a response, and itself where nothing is wrong with it.

    Example: dcr train direct rows.jsonl --base smollm2 --out runs/direct
    """
    _train("direct", settings, out, overwrite, wait, as_json)


@app.command("detect-refine")
@options(TrainSettings, without=["with_correct"])
def detect_refine(
    settings: TrainSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Train a refiner of responses that a detector flagged, without feedback.

    Example: dcr train detect-refine rows.jsonl --base smollm2 --out runs/detect-refine
    """
    _train("detect-refine", settings, out, overwrite, wait, as_json)
