"""Commands that make training data by a teacher, stage by stage."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer
from tenpapers.cli import Json, OutDir, Overwrite, Wait, say, stop_on_failures
from tenpapers.report import Table
from tenpapers.settings import options

from ..distill.settings import (
    BuildSettings,
    FeedbackSettings,
    FilterSettings,
    GenerateSettings,
    ReviseSettings,
)

if TYPE_CHECKING:
    from ..distill.run import Stage

app = typer.Typer(
    help="Training data for small critics and refiners, from a teacher; five stages.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
@options(GenerateSettings)
def generate(
    settings: GenerateSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Have a model respond to documents: summaries on a topic, answers to an instruction.

    Example: dcr distill generate documents.jsonl --model vllm:meta-llama/Llama-2-7b-chat-hf
    --out distilled
    """
    from ..distill.run import INITIAL
    from ..distill.run import generate as run

    stage = run(settings, out, overwrite=overwrite, wait=wait)
    _say("Initial responses", stage, as_json, out / INITIAL)


@app.command("filter")
@options(FilterSettings)
def filter_(
    settings: FilterSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Leave out what is no use, mark filler sentences, and label the others by a detector.

    Example: dcr distill filter distilled/initial.jsonl --out distilled
    """
    from ..distill.run import FILTERED
    from ..distill.run import filter_ as run

    stage = run(settings, out, overwrite=overwrite, wait=wait)
    _say("Labelled responses", stage, as_json, out / FILTERED)


@app.command()
@options(FeedbackSettings)
def feedback(
    settings: FeedbackSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Have a teacher find the errors of responses that are not factual.

    Example: dcr distill feedback distilled/filtered.jsonl --teacher openai:gpt-4o --out distilled
    """
    from ..distill.run import FEEDBACK
    from ..distill.run import feedback as run

    stage = run(settings, out, overwrite=overwrite, wait=wait)
    _say("Teacher feedback", stage, as_json, out / FEEDBACK)


@app.command()
@options(ReviseSettings)
def revise(
    settings: ReviseSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Have a teacher refine responses by its feedback.

    Example: dcr distill revise distilled/feedback.jsonl --teacher openai:gpt-4o --out distilled
    """
    from ..distill.run import REVISED
    from ..distill.run import revise as run

    stage = run(settings, out, overwrite=overwrite, wait=wait)
    _say("Teacher refinements", stage, as_json, out / REVISED)


@app.command()
@options(BuildSettings)
def build(
    settings: BuildSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Make the training rows of critics and refiners, for `dcr train`.

    Example: dcr distill build distilled/revised.jsonl --out distilled
    """
    from ..distill.run import TRAIN, build_file

    stage = build_file(settings, out, overwrite=overwrite, wait=wait)
    _say("Training rows", stage, as_json, out / TRAIN)


def _say(title: str, stage: "Stage", as_json: bool, file: Path) -> None:
    for name, words in stage.failed.items():
        typer.echo(f"{name}: no row: {words}", err=True)
    rows: list[list[str | int]] = [[name, count] for name, count in stage.counts.items()]
    say(stage.counts, as_json, Table(title, ["", "rows"], rows), f"-> {file}")
    stop_on_failures(len(stage.failed), stage.asked)
