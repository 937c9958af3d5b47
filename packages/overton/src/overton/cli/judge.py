"""The command that asks a judge."""

from dataclasses import asdict

import typer
from tenpapers.cli import Json, OutFile, Overwrite, Wait, say, stop_on_failures
from tenpapers.report import Table
from tenpapers.settings import options

from ..judging.settings import JudgeSettings

app = typer.Typer()


@app.command()
@options(JudgeSettings)
def judge(
    settings: JudgeSettings,
    out: OutFile,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Judge every sample: its stance or quality, or what it says that a reference does not.

    Example: overton judge stance runs/icl.jsonl --judge local-stance --out runs/icl-stance.jsonl
    """
    from ..judging.judge import judge as run

    judged = run(settings, out, overwrite=overwrite, wait=wait)
    values = asdict(judged)
    agreement = values.pop("agreement")
    table = Table("Verdicts", list(values), [list(values.values())])
    note = ""
    if agreement is not None:
        values["agreement"] = agreement
        note = (
            "local-stance agrees with the paper's judge on {accuracy:.3f} of {n} responses to "
            "questions left out (kappa {kappa:.3f}, macro F1 {macro_f1:.3f}; always the commonest "
            "stance: {majority:.3f})"
        ).format(**agreement)
    say(values, as_json, table, note, f"-> {out}")
    stop_on_failures(judged.call_failed, judged.verdicts)
