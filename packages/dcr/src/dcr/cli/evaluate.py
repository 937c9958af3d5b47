"""Commands that score: refinements, critiques, and runs beside each other."""

from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Json, OutDir, Overwrite, Wait, say, stop_on_failures
from tenpapers.settings import options

from ..scoring.settings import EvaluateSettings, FeedbackSettings

app = typer.Typer()


@app.command()
@options(EvaluateSettings)
def evaluate(
    settings: EvaluateSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Score refinements before and after; writes scores.jsonl, summary.json and summary.md.

    Example: dcr evaluate runs/dcr/refined.jsonl --metrics edits,rouge,likert --judge openai:gpt-4.1
    --out runs/scores
    """
    from ..scoring.evaluate import evaluate as run
    from ..scoring.summary import summary_tables

    summary = run(settings, out, overwrite=overwrite, wait=wait)
    say(summary, as_json, *summary_tables(summary), f"-> {out}")
    answers = summary["judge_answers"]
    stop_on_failures(answers["failed"], answers["asked"])


@app.command("evaluate-feedback")
@options(FeedbackSettings)
def evaluate_feedback(
    settings: FeedbackSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Hold critiques against gold errors: sentences, spans, fixes; writes feedback.json and .md.

    Example: dcr evaluate-feedback critiqued.jsonl --gold gold.jsonl --out runs/feedback
    """
    from ..scoring.evaluate_feedback import evaluate_feedback as run
    from ..scoring.evaluate_feedback import feedback_tables

    quality = run(settings, out, overwrite=overwrite, wait=wait)
    say(quality, as_json, *feedback_tables(quality), f"-> {out}")
    match = quality["match"] or {"failed": 0, "asked": 0}
    stop_on_failures(match["failed"], match["asked"])


@app.command()
def report(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN_DIR...", help="Folders that `dcr evaluate` wrote.")
    ],
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Put runs beside each other: report.md, table.csv, and gain against word edits as a figure.

    Example: dcr report runs/direct runs/dcr --out runs/compared
    """
    from ..study.compare_runs import compare_runs

    values, body = compare_runs(runs, out, overwrite=overwrite, wait=wait)
    say(values, as_json, *body, f"-> {out}")
