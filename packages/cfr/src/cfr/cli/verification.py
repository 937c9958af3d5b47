"""Commands that ask models about claims, and those that score what they said."""

from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import (
    Cache,
    Json,
    OutDir,
    OutFile,
    Overwrite,
    PromptsFolder,
    Wait,
    say,
    stop_on_failures,
)
from tenpapers.report import Table
from tenpapers.settings import options

from ..equivalence.answer_scores import JUDGE_TOKENS, Scorer, ScorerModel, ScorerTokens
from ..equivalence.lerc_settings import LercSettings
from ..verification.settings import AnswerSettings, VerifySettings
from . import evaluation
from .evaluation import FixStems, WordNet

app = typer.Typer()
app.add_typer(evaluation.app, name="evaluate")


@app.command()
@options(AnswerSettings)
def answer(
    settings: AnswerSettings,
    out: OutFile,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Have a model answer each ranking's question from its first passages; a killed run goes on.

    Example: cfr answer --ranked ranked.jsonl --candidates candidates.jsonl --reader smollm2 --topk
    5 --out answers.jsonl
    """
    from dataclasses import asdict

    from ..verification.answers import answer as run

    counts = asdict(run(settings, out, overwrite=overwrite, wait=wait))
    say(counts, as_json, Table("Answers", list(counts), [list(counts.values())]), f"-> {out}")
    stop_on_failures(counts["failed"], counts["questions"])


@app.command()
@options(VerifySettings)
def verify(
    settings: VerifySettings,
    out: Annotated[
        Path | None, typer.Option("--out", help="File for the verdicts; needed for --claims.")
    ] = None,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Verify claims end to end: search, read, judge; one --claim is printed with its evidence.

    Example: cfr verify --claim "The moon is made of cheese." --index index --reader smollm2
    --judge smollm2
    """
    from tenpapers.errors import UserError

    from ..verification.verify import told, verify_file, verify_now

    if out is None and settings.claims is not None:
        raise UserError("--claims: where do the verdicts go?", "pass --out FILE")
    run = (
        verify_now(settings)
        if out is None
        else verify_file(settings, out, overwrite=overwrite, wait=wait)
    )
    counts = run.counts()
    table = Table("Verdicts", list(counts), [list(counts.values())])
    for name, words in run.counted.failed.items():
        typer.echo(f"claim {name}: no verdict: {words}", err=True)
    if settings.claim is not None:
        rows = [row.model_dump(mode="json") for row in run.rows]
        say(rows[0] if rows else None, as_json, *map(told, run.rows))
    else:
        say(counts, as_json, table, f"-> {out}")
    stop_on_failures(run.claims - len(run.rows), run.claims)


@app.command("score-answers")
def score_answers(
    scorer: Scorer,
    given: Annotated[
        Path, typer.Option("--in", help="Rows: question, references, candidate, context.")
    ],
    out: OutFile,
    model: ScorerModel = "",
    tokens: ScorerTokens = JUDGE_TOKENS,
    wordnet: WordNet = None,
    fix_stems: FixStems = False,
    prompts: PromptsFolder = None,
    cache: Cache = True,
    as_json: Json = False,
) -> None:
    """Score answers against right ones, row by row; of several right ones the nearest counts.

    A judge's reply without a grade is no score: it is counted and left out of the mean. embed
    stands in for LERC, and is none.

    Example: cfr score-answers --scorer embed --in answers.jsonl --out scored.jsonl
    """
    from tenpapers.journal import Journal
    from tenpapers.records import read_jsonl, write_jsonl

    from ..equivalence.answer_scores import AnswerRow, counts_of, open_scorer, scored_rows

    rows = read_jsonl(given, AnswerRow)
    with open_scorer(
        scorer,
        model=model,
        wordnet=wordnet,
        fix_stems=fix_stems,
        prompts=prompts,
        max_new_tokens=tokens,
        cache=cache,
        progress="judge",
    ) as opened:
        scores = opened.score(rows)
        scored = scored_rows(opened, rows, scores)
    with Journal.once(out, command="cfr score-answers", inputs=[given, prompts]) as journal:
        write_jsonl(journal.file(out.name), scored)
    counts = {
        "scorer": opened.name,
        "rows": len(rows),
        "not_answered": sum(not row.open for row in rows),
        "compared": opened.n_compared,
        **counts_of(opened, scores),
    }
    say(counts, as_json, Table("Scores", list(counts), [list(counts.values())]), f"-> {out}")
    stop_on_failures(counts.get("error", 0), len(rows))
    if counts["mean"] is None:
        raise typer.Exit(3)


@app.command("train-lerc")
@options(LercSettings)
def train_lerc(
    settings: LercSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Train LERC on MOCHA's judgements, after a first stage on pairs of answers where given.

    Example: cfr train-lerc --train mocha/train.json --dev mocha/dev.json --out runs/lerc
    """
    from ..equivalence.lerc_run import train

    report = train(settings, out, overwrite=overwrite, wait=wait)
    rows = [[name, value] for name, value in report["pearson"].items()]
    table = Table("Correlation with people's scores", ["data set", "Pearson's r"], rows)
    say(report, as_json, table if rows else "", f"-> {out / 'model'}")
