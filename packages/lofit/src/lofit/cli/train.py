"""Commands of the two steps: select-heads, tune, train, rank-heads."""

from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Json, OutDir, Overwrite, Wait, say
from tenpapers.journal import Journal
from tenpapers.settings import options

from ..records import Selector
from ..study.settings import TrainSettings

app = typer.Typer()

HeadsFile = Annotated[Path, typer.Option("--heads", help="heads.json, or the official heads.npy.")]
SelectorOption = Annotated[Selector, typer.Option("--method", help="Rule of the ranking.")]


@app.command("select-heads")
@options(TrainSettings, names={"select_lr": "--lr"}, without=["tune_lr"])
def select_heads(
    settings: TrainSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Step 1: scales on all heads; writes heads.json, scores.npy, heads.npy, scale.safetensors.

    Example: lofit select-heads --model smollm2 --task mquake --out runs/heads
    """
    with settings.journal("select-heads", out, overwrite=overwrite, wait=wait) as journal:
        rank_heads(settings, journal, "lofit", as_json)


@app.command("rank-heads")
@options(TrainSettings, names={"select_lr": "--lr"}, without=["tune_lr"])
def rank_heads_command(
    settings: TrainSettings,
    out: OutDir,
    method: SelectorOption = "lofit",
    overwrite: Overwrite = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Rank heads by another rule (the paper's ablation of the selection).

    Example: lofit rank-heads --method probe --task mquake --out runs/probe
    """
    more = {"method": method}
    with settings.journal("rank-heads", out, overwrite=overwrite, wait=wait, more=more) as journal:
        rank_heads(settings, journal, method, as_json)


def rank_heads(settings: TrainSettings, journal: Journal, method: Selector, as_json: bool) -> None:
    """What both ranking commands do."""
    from ..study.two_steps import rank

    ranked = rank(settings, method, journal)
    say(ranked.as_dict(), as_json, f"{ranked.text()}\n-> {journal.root / 'heads.json'}")


@app.command()
@options(TrainSettings, names={"tune_lr": "--lr"}, without=["select_lr", "l1", "l1_mode"])
def tune(
    settings: TrainSettings,
    heads: HeadsFile,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
) -> None:
    """Step 2: offsets on the first K heads of a ranking; writes adapter/ and train_log.jsonl.

    Example: lofit tune --heads runs/heads/heads.json --task mquake --out runs/tuned
    """
    from ..study.two_steps import tune as tune_adapter

    inputs = [heads]
    with settings.journal("tune", out, overwrite=overwrite, wait=wait, inputs=inputs) as journal:
        tuned = tune_adapter(settings, heads, journal)
    print(
        f"{tuned.adapter.n_parameters} numbers on {len(tuned.adapter.heads)} heads, "
        f"loss {tuned.losses}{tuned.note}\n-> {out / 'adapter'}"
    )


@app.command()
@options(TrainSettings, names={"select_lr": "--lr"})
def train(
    settings: TrainSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
) -> None:
    """Both steps; ends with heads.json and adapter/ in --out. Killed, it goes on where it was.

    Example: lofit train --task jsonl --data train.jsonl --model hf:ID --out runs/mine
    """
    from ..study.two_steps import train as train_both

    with settings.journal("train", out, overwrite=overwrite, wait=wait) as journal:
        tuned, ranking = train_both(settings, journal)
    print(
        f"{tuned.adapter.n_parameters} numbers on {len(tuned.adapter.heads)} of "
        f"{len(ranking.order)} heads, loss of step 2 {tuned.losses}{tuned.note}\n"
        f"-> {out / 'heads.json'}, {out / 'adapter'}"
    )
