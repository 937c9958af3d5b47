"""Numbers on data sets: evaluate, compare, judge."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Json, OutDir, say
from tenpapers.settings import options

from ..scoring.faithfulness import JudgeSettings
from ..scoring.measure import EvalConfig
from ..study.file_stages import Besides

app = typer.Typer()

Reference = Annotated[Path | None, typer.Option(help="Human texts (gold test split) for MAUVE.")]
Gold = Annotated[
    Path | None, typer.Option(help="Gold training rows: the oracle's, and of entity recall.")
]
First = Annotated[int | None, typer.Option("-n", "--limit", help="Only the first N rows.", min=1)]
Drawn = Annotated[
    int | None,
    typer.Option(
        "-n", "--limit", help="N rows of each file, drawn in the common label mix.", min=1
    ),
]


@app.command()
@options(EvalConfig)
def evaluate(
    synth: Annotated[Path, typer.Argument(help="JSONL (or .jsonl.gz) with `text`.")],
    settings: EvalConfig,
    out: OutDir,
    reference: Reference = None,
    gold: Gold = None,
    n: First = None,
    as_json: Json = False,
) -> None:
    """Measure a data set: how diverse, how human, how true to its labels; any JSONL serves.

    Example: synthesizrr evaluate synthetic.jsonl --metrics length,self-bleu,entity --out runs/e
    """
    _measure([synth], settings, Besides(reference, gold, n), out, as_json=as_json)


@app.command()
@options(EvalConfig)
def compare(
    files: Annotated[list[Path], typer.Argument(help="Two or more files with `text`.")],
    settings: EvalConfig,
    out: OutDir,
    reference: Reference = None,
    gold: Gold = None,
    n: Drawn = None,
    equalize: Annotated[
        bool,
        typer.Option("--equalize/--no-equalize", help="Cut to equal size and label mix."),
    ] = True,
    as_json: Json = False,
) -> None:
    """Measure several data sets at equal size and label mix, side by side in one table.

    Example: synthesizrr compare mine.jsonl theirs.jsonl.gz --reference test.jsonl -n 6000
    --out runs/compare
    """
    _measure(files, settings, Besides(reference, gold, n), out, equalize=equalize, as_json=as_json)


@app.command()
@options(JudgeSettings)
def judge(
    synth: Annotated[Path, typer.Argument(help="synthetic.jsonl, rows with `context`.")],
    settings: JudgeSettings,
    out: OutDir,
    as_json: Json = False,
) -> None:
    """Let a model judge how faithful texts are to their documents; writes rag.json.

    Example: synthesizrr judge synthetic.jsonl --judge openai:gpt-4o-mini -n 200 --out runs/j
    """
    from tenpapers.journal import Journal

    from ..study.model_stages import judge_file
    from ..study.tables import rag_table

    command = "synthesizrr judge"
    with Journal.once(out / "rag.json", command=command, inputs=[synth]) as journal:
        found = judge_file(synth, settings, journal)
    table = rag_table(found, settings.judge)
    say(asdict(found), as_json, table, f"-> {out / 'rag.json'}")


def _measure(
    files: list[Path],
    settings: EvalConfig,
    besides: Besides,
    out: Path,
    *,
    as_json: bool,
    equalize: bool = False,
) -> None:
    from tenpapers.journal import Journal

    from ..study.file_stages import measure_files
    from ..study.tables import comparison

    inputs = [*files, besides.reference, besides.gold]
    command = "synthesizrr evaluate or compare"
    with Journal.once(out / "metrics.json", command=command, inputs=inputs) as journal:
        results, note = measure_files(files, settings, besides, journal, equalize=equalize)
    say(results, as_json, *comparison(results, note), f"-> {out / 'metrics.json'}")
