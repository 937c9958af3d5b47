"""Commands on recorded responses: score, report, significance, equals, import-taur, advise."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Json, OutDir, say, stop_on_failures
from tenpapers.settings import options

from ..scoring.settings import (
    AdviceSettings,
    EqualsSettings,
    ReportSettings,
    ScoreSettings,
    SignificanceSettings,
)

Responses = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="Outputs or recorded pairs (JSONL, .gz).")
]

app = typer.Typer()


@app.command()
@options(ScoreSettings)
def score(settings: ScoreSettings, files: Responses, out: OutDir, as_json: Json = False) -> None:
    """Extract and grade responses that somebody generated; no model is needed.

    Example: tocot score outputs/*.jsonl --unparseable guess --out runs/mine
    """
    from tenpapers.journal import Journal

    from ..scoring.cell_numbers import failures
    from ..scoring.pairs import cells
    from ..scoring.score_responses import graded_rows
    from ..study.results_report import write_scores

    rows = graded_rows(files, settings, text_match=settings.text_match, math_by=settings.math)
    found = cells(rows)
    with Journal.once(out / "graded.jsonl", command="tocot score", inputs=files) as journal:
        values, table, notes = write_scores(journal, rows, found, settings.unparseable)
    say(values, as_json, table, notes, f"-> {out / 'results.json'}")
    stop_on_failures(*failures(found))


@app.command()
@options(ReportSettings)
def report(
    settings: ReportSettings, folders: Responses, out: OutDir, as_json: Json = False
) -> None:
    """Group table, deltas, unparseable rates, answer positions, tokens; and the figures.

    Example: tocot report runs/outputs --group five --out runs/report
    """
    from tenpapers.journal import Journal

    from ..scoring.cell_numbers import joined_parts
    from ..scoring.pairs import cells
    from ..scoring.score_responses import graded_rows, policy_of
    from ..study.results_report import printable, write_results

    settings = replace(settings, unparseable=policy_of(folders, settings.unparseable))
    found = joined_parts(cells(graded_rows(folders, settings)), settings.parts)
    with Journal.once(out / "report.md", command="tocot report", inputs=folders) as journal:
        body, values = write_results(journal, found, settings)
    say(values, as_json, *printable(body), f"-> {out / 'report.md'}")


@app.command()
@options(SignificanceSettings)
def significance(
    settings: SignificanceSettings, folders: Responses, out: OutDir, as_json: Json = False
) -> None:
    """Paired tests of chain of thought against direct answers; writes significance.csv.

    Example: tocot significance runs/outputs --family commonsense,knowledge,soft --out runs/p
    """
    from tenpapers.journal import Journal

    from ..scoring.cell_tests import family_tests, verdict
    from ..scoring.pairs import cells
    from ..scoring.score_responses import graded_rows, policy_of
    from ..study.tables import write_rows

    settings = replace(settings, unparseable=policy_of(folders, settings.unparseable))
    rows = family_tests(cells(graded_rows(folders, settings)), settings)
    file = out / "significance.csv"
    with Journal.once(file, command="tocot significance", inputs=folders) as journal:
        table = write_rows(journal.file(file.name), rows, "Paired tests", verdict(rows))
    say(rows, as_json, table, f"-> {file}")


@app.command()
@options(EqualsSettings)
def equals(
    settings: EqualsSettings, folders: Responses, out: OutDir, as_json: Json = False
) -> None:
    """How much of the gain comes from items with an equals sign; equals.csv and equals.png.

    Example: tocot equals runs/outputs --scope both --out runs/equals
    """
    from tenpapers.journal import Journal

    from ..scoring.pairs import cells
    from ..scoring.score_responses import graded_rows
    from ..study.equals_report import write_equals

    found = cells(graded_rows(folders, settings))
    with Journal.once(out / "equals.csv", command="tocot equals", inputs=folders) as journal:
        rows, tables = write_equals(journal, found, folders, settings)
    say(rows, as_json, *tables, f"-> {out / 'equals.csv'}")


@app.command("import-taur")
def import_taur(
    path: Annotated[Path, typer.Argument(help="Rows of a TAUR-Lab data set (parquet, JSONL).")],
    out: OutDir,
    task: Annotated[str, typer.Option("--task", help="Task id, the name of its config.")],
    model: Annotated[str, typer.Option("--model", help="Name of the model.")] = "",
    as_json: Json = False,
) -> None:
    """Turn the paper's public rows into outputs, and grade them anew.

    Example: tocot import-taur csqa.parquet --task csqa --model llama-3.1-8b --out runs/taur
    """
    from tenpapers.journal import Journal
    from tenpapers.records import write_jsonl

    from ..scoring.published_outputs import import_rows

    outputs, counts = import_rows(path, task, model)
    file = out / f"{task}.jsonl"
    with Journal.once(file, command="tocot import-taur", inputs=[path]) as journal:
        count = write_jsonl(journal.file(file.name), outputs)
    say(counts, as_json, f"{count} outputs; {counts}\n-> {file}")


@app.command()
@options(AdviceSettings)
def advise(
    settings: AdviceSettings, folders: Responses, out: OutDir, as_json: Json = False
) -> None:
    """Where chain of thought pays: delta, p, tokens a point, and what to do for each task.

    Example: tocot advise runs/outputs --out runs/advice
    """
    from tenpapers.journal import Journal

    from ..scoring.advice import advise_cells
    from ..scoring.pairs import cells
    from ..scoring.score_responses import graded_rows
    from ..study.tables import write_rows

    found = cells(graded_rows(folders, settings))
    rows = advise_cells(found, alpha=settings.alpha, seed=settings.seed)
    file = out / "advice.csv"
    with Journal.once(file, command="tocot advise", inputs=folders) as journal:
        table = write_rows(journal.file(file.name), rows, "Advice")
    say(rows, as_json, table, f"-> {file}")
