"""Commands that sample a model: generate, summarize, make-demos."""

from dataclasses import asdict

import typer
from tenpapers.cli import Json, OutFile, Overwrite, Wait, say, stop_on_failures
from tenpapers.report import Table
from tenpapers.settings import options

from ..recovery.settings import DemoSettings, GenerateSettings, SummarizeSettings

app = typer.Typer()


@app.command()
@options(GenerateSettings)
def generate(
    settings: GenerateSettings,
    out: OutFile,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Sample a model on prompts, shown what the method shows it; a killed run goes on.

    The file's name is the model's in all that follows. An answer of a base model ends at its first
    line of three backticks: one with code in it is cut there.

    Example: overton generate prompts.jsonl --method icl -n 5 --out runs/smollm2-icl.jsonl
    """
    from ..recovery.generate import generate as run

    sampled = run(settings, out, overwrite=overwrite, wait=wait)
    counts = asdict(sampled)
    table = Table("Samples", list(counts), [list(counts.values())])
    say(counts, as_json, table, f"-> {out}")
    stop_on_failures(sampled.failed, sampled.samples)


@app.command()
@options(SummarizeSettings)
def summarize(
    settings: SummarizeSettings,
    out: OutFile,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Summarise each question's first sample in two or three sentences: the hints of icl-summary.

    Example: overton summarize runs/chat.jsonl --judge smollm2 --out runs/summaries.jsonl
    """
    from ..recovery.summarize import summarize as run

    outputs = [row["outputs"][0] for row in run(settings, out, overwrite=overwrite, wait=wait)]
    failed = sum(output.get("error_type") == "generation" for output in outputs)
    skipped = sum(output.get("error_type") == "no_response" for output in outputs)
    unfinished = sum(output.get("finish_reason") == "length" for output in outputs)
    counts = {
        "summaries": len(outputs) - failed - skipped,
        "failed": failed,
        "no_response": skipped,
        "unfinished": unfinished,
    }
    say(counts, as_json, Table("Summaries", list(counts), [list(counts.values())]), f"-> {out}")
    stop_on_failures(failed, len(outputs) - skipped)


@app.command("make-demos")
@options(DemoSettings)
def make_demos(
    settings: DemoSettings,
    out: OutFile,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Let a teacher answer the three queries of the static prompts, and summarise its answers.

    Example: overton make-demos --teacher smollm2 --out runs/demos.jsonl
    """
    from ..recovery.summarize import make_demos as run

    demos = run(settings, out, overwrite=overwrite, wait=wait)
    say({"demos": len(demos)}, as_json, f"{len(demos)} demonstrations\n-> {out}")
