"""`lofit baseline METHOD`: what LoFiT is compared with, in the same output layout."""

from pathlib import Path

import typer
from tenpapers.cli import Limit, OutDir, Overwrite, Wait, stop_on_failures
from tenpapers.settings import options

from ..study.settings import FittedSettings, ItiSettings, RepeSettings, TaskSettings

app = typer.Typer(
    help="Baselines: iti, repe, lora, red, reft, zero-shot.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
@options(ItiSettings)
def iti(
    settings: ItiSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
) -> None:
    """Inference-time intervention: vectors from probes and class means, no training.

    Example: lofit baseline iti --task mquake --out runs/iti
    """
    from ..study.fit_baselines import iti as fit

    with settings.journal("iti", out, overwrite=overwrite, wait=wait) as journal:
        fitted("iti", fit(settings, journal).n_parameters, out)


@app.command()
@options(RepeSettings)
def repe(
    settings: RepeSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
) -> None:
    """Reading vectors added to the residual stream, no training (settings are our choice).

    Example: lofit baseline repe --task mquake --window 10:20 --out runs/repe
    """
    from ..study.fit_baselines import repe as fit

    with settings.journal("repe", out, overwrite=overwrite, wait=wait) as journal:
        adapter, tried = fit(settings, journal)
    if tried:
        print("on val: " + ", ".join(f"c={c:g}: {value:.1f}" for c, value in tried.items()))
    fitted("repe", adapter.n_parameters, out)


@app.command()
@options(FittedSettings)
def lora(
    settings: FittedSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
) -> None:
    """LoRA of rank 8 on query and value projections, by peft; the folder is peft's own.

    Example: lofit baseline lora --task mquake --out runs/lora
    """
    from ..study.fit_baselines import trained

    with settings.journal("lora", out, overwrite=overwrite, wait=wait) as journal:
        fitted("lora", trained("lora", settings, journal).n_parameters, out)


@app.command()
@options(FittedSettings)
def red(
    settings: FittedSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
) -> None:
    """RED: a scale and a shift on the MLP output of every layer.

    Example: lofit baseline red --task mquake --out runs/red
    """
    from ..study.fit_baselines import trained

    with settings.journal("red", out, overwrite=overwrite, wait=wait) as journal:
        fitted("red", trained("red", settings, journal).n_parameters, out)


@app.command()
@options(FittedSettings)
def reft(
    settings: FittedSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
) -> None:
    """LoReFT of rank 8 after every layer.

    Example: lofit baseline reft --task mquake --out runs/reft
    """
    from ..study.fit_baselines import trained

    with settings.journal("reft", out, overwrite=overwrite, wait=wait) as journal:
        fitted("reft", trained("reft", settings, journal).n_parameters, out)


@app.command("zero-shot")
@options(TaskSettings, without=["pairs", "train_size"])
def zero_shot(
    settings: TaskSettings,
    out: OutDir,
    limit: Limit = None,
    overwrite: Overwrite = False,
    wait: Wait = False,
) -> None:
    """The base model on the task's test part; the same files as `evaluate`.

    Example: lofit baseline zero-shot --task mquake --out runs/base
    """
    from ..study.evaluation import zero_shot as grade
    from ..study.tables import metrics_text

    more = {"limit": limit}
    with settings.journal("zero-shot", out, overwrite=overwrite, wait=wait, more=more) as journal:
        results, graded = grade(settings, limit, journal)
    print(f"{metrics_text(results)}\n-> {out / 'predictions.jsonl'}")
    stop_on_failures(graded.failed, graded.asked)


def fitted(method: str, numbers: int, out: Path) -> None:
    """Say how large an adapter is, and where."""
    print(f"{method}: {numbers} numbers\n-> {out / 'adapter'}")
