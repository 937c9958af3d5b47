"""What ends in a student: train, run, reproduce."""

from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Json, OutDir, Overwrite, Scale, Wait, say, stop_on_failures
from tenpapers.errors import UserError
from tenpapers.settings import options

from ..study.file_stages import TrainSettings
from ..study.settings import Study

app = typer.Typer()


@app.command()
@options(TrainSettings)
def train(
    synth: Annotated[Path, typer.Argument(metavar="SYNTH", help="Rows to train on.")],
    test: Annotated[Path, typer.Argument(metavar="TEST", help="Gold rows to be graded on.")],
    settings: TrainSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Train a student on a data set and grade it on real test rows; writes student.json.

    Example: synthesizrr train synthetic.jsonl test.jsonl --student minilm --runs 5
    --out runs/student
    """
    from tenpapers.journal import Journal, files_of, key_of

    from ..students.identity import known_student
    from ..study.file_stages import train_file

    key = key_of("synthesizrr train", settings, student=known_student(settings.student))
    inputs = [synth, test, *files_of(settings)]
    file = out / "student.json"
    with Journal.of_file(file, key=key, inputs=inputs, overwrite=overwrite, wait=wait) as journal:
        found = train_file(synth, test, settings, journal)
    spread = "" if found.std is None else f" (std {100 * found.std:.1f} over {found.spread})"
    text = (
        f"{settings.student}: accuracy {100 * found.mean:.1f}{spread}, {settings.runs} runs, "
        f"macro-F1 {100 * found.macro_f1:.1f}; {found.n_train} training rows, "
        f"{found.n_test} test rows\n-> {out / 'student.json'}"
    )
    say(found.as_json(), as_json, text)


@app.command()
def run(
    out: OutDir,
    config: Annotated[Path, typer.Option(help="YAML of the whole chain; its paths begin there.")],
    teacher: Annotated[
        str | None, typer.Option("--teacher", "--model", help="Model spec of the teacher.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of every choice.")] = None,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Run the whole chain from one file; every stage's output stays, a killed run goes on.

    Example: synthesizrr run --config mytask_run.yaml --out runs/mytask
    """
    from tenpapers.settings import load_config

    from ..study.chain import run_chain
    from ..study.settings import RunConfig

    settings = load_config(RunConfig, config, teacher=teacher, seed=seed)
    summary, tables = run_chain(settings, out, overwrite=overwrite, wait=wait, beside=config.parent)
    requests = summary["requests"]
    failed = f"{requests['failed']} of {requests['asked']} requests failed; run it again"
    say(summary, as_json, *tables, failed if requests["failed"] else "", f"-> {out}")
    stop_on_failures(requests["failed"], requests["asked"])
    if summary["problems"]:
        raise UserError("; ".join(summary["problems"]), f"the data set is in {out / 'dataset'}")


@app.command()
@options(Study, scales="synthesizrr")
def reproduce(
    study: Study,
    out: OutDir,
    scale: Scale = "cpu",
    full: Annotated[
        bool, typer.Option("--full", help="Also the ablations: corpus, retriever, filter.")
    ] = False,
    overwrite: Overwrite = False,
    wait: Wait = False,
) -> None:
    """Run the study: FewGen against SynthesizRR on AG News, and real sets side by side.

    Example: synthesizrr reproduce --scale cpu --out runs/synthesizrr-cpu
    """
    from ..study.reproduce import reproduce as run_study

    failed, asked = run_study(study, out, scale=scale, full=full, overwrite=overwrite, wait=wait)
    stop_on_failures(failed, asked)
