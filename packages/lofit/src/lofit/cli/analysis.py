"""Commands that look at adapters and rankings, merge them, or run studies and timings."""

from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Json, Limit, OutDir, Overwrite, Wait, say
from tenpapers.journal import Journal
from tenpapers.settings import options

from ..inputs.load_task import Split
from ..study.settings import MergeSettings, Over, TopK, TrainSettings

app = typer.Typer()

SplitOption = Annotated[Split, typer.Option("--split", help="Part that is tested on.")]


@app.command()
@options(MergeSettings)
def merge(
    settings: MergeSettings,
    out: OutDir,
    overwrite: Overwrite = False,
    wait: Wait = False,
) -> None:
    """Write a checkpoint that ordinary loaders and vLLM serve; writes verify.json.

    Example: lofit merge --adapter runs/first/adapter --out runs/merged --verify
    """
    from ..serving.merged_folder import merge_into

    key = settings.key("merge")
    with Journal.of_file(out, key=key, overwrite=overwrite, wait=wait) as journal:
        report = merge_into(journal, out, settings)
    print(f"-> {out}")
    if report is None:
        return
    print(report.text())
    if not report.ok:
        print("the merged checkpoint does not compute what the adapter does")
        raise typer.Exit(3)


@app.command()
def inspect(
    adapter: Annotated[Path, typer.Argument(help="Folder of an adapter.")], as_json: Json = False
) -> None:
    """Heads, norms, size, and whether the adapter can be merged.

    Example: lofit inspect runs/first/adapter
    """
    from ..baselines.load import load_intervention
    from ..study.tables import describe

    content = describe(load_intervention(adapter))
    say(content, as_json, "\n".join(f"{name}: {value}" for name, value in content.items()))


@app.command()
def combine(
    adapters: Annotated[list[Path], typer.Argument(help="Two or more folders of adapters.")],
    out: OutDir,
    weights: Annotated[
        str | None, typer.Option("--weights", help="Numbers with commas; default 1 each.")
    ] = None,
) -> None:
    """Add adapters of one base, each with a weight; the result is an adapter like any other.

    Example: lofit combine runs/a/adapter runs/b/adapter --weights 1,0.5 --out runs/both
    """
    from ..offsets.combine import combine_folders

    command, inputs = "lofit combine", [*adapters]
    with Journal.once(out / "adapter_config.json", command=command, inputs=inputs) as journal:
        combined = combine_folders(adapters, weights, journal)
    print(f"{combined.n_parameters} numbers on {len(combined.heads)} heads\n-> {out}")


@app.command("compare-heads")
def compare_heads(
    rankings: Annotated[list[Path], typer.Argument(help="Two or more heads.json (or .npy).")],
    out: OutDir,
    top_k: TopK = None,
    as_json: Json = False,
) -> None:
    """Jaccard between head sets, layers, rank correlation; writes comparison.json and two PNG.

    Example: lofit compare-heads a/heads.json b/heads.json --out runs/compared
    """
    from ..study.compare_rankings import compare_rankings

    command = "lofit compare-heads"
    with Journal.once(out / "comparison.json", command=command, inputs=rankings) as journal:
        content, text = compare_rankings(rankings, journal, top_k)
    say(content, as_json, text)


@app.command()
@options(TrainSettings, names={"select_lr": "--lr"}, without=["task", "val_size"])
def transfer(
    settings: TrainSettings,
    out: OutDir,
    tasks: Annotated[str, typer.Option("--tasks", help="Names with commas.")] = "mquake,clutrr",
    split: SplitOption = "test",
    limit: Limit = None,
    overwrite: Overwrite = False,
    wait: Wait = False,
) -> None:
    """Heads of one task used for another (the paper's figure 2); writes transfer.json and a PNG.

    Example: lofit transfer --tasks mquake,clutrr --out runs/transfer
    """
    from ..study.transfer import named_tasks
    from ..study.transfer import transfer as run_transfer

    more = {"tasks": tasks, "split": split, "limit": limit}
    files = [file for task in named_tasks(settings, tasks) for file in task.files]
    with settings.journal(
        "transfer", out, overwrite=overwrite, wait=wait, inputs=files, more=more
    ) as journal:
        print(run_transfer(settings, tasks, journal, split=split, limit=limit))


@app.command()
@options(TrainSettings, names={"select_lr": "--lr"}, without=["val_size"])
def sweep(
    settings: TrainSettings,
    out: OutDir,
    over: Annotated[Over, typer.Option("--over", help="The setting; k is in % of the heads.")],
    values: Annotated[str, typer.Option("--values", help="Numbers with commas.")] = "1,3,5,10,20",
    split: SplitOption = "val",
    limit: Limit = None,
    overwrite: Overwrite = False,
    wait: Wait = False,
) -> None:
    """The metric over one setting (the paper's figures 4 and 5); writes sweep.json and a PNG.

    Example: lofit sweep --over scale --values 0,0.5,1,1.5,2 --task mquake --out runs/sweep
    """
    from ..study.sweep import sweep as run_sweep

    more = {"over": over, "split": split, "limit": limit}
    with settings.journal("sweep", out, overwrite=overwrite, wait=wait, more=more) as journal:
        print(run_sweep(settings, over, values, journal, split=split, limit=limit))


@app.command()
def bench(
    repetitions: Annotated[int, typer.Option("--repetitions", help="Interleaved.", min=1)] = 5,
    questions: Annotated[int, typer.Option("--questions", help="Of the MC scorers.", min=1)] = 3,
    threads: Annotated[int | None, typer.Option("--threads", help="Default: all cores.")] = None,
) -> None:
    """Time training steps and multiple-choice scoring against their peers, in this process.

    Example: lofit bench --repetitions 3
    """
    from ..speed.bench import run_benchmarks

    run_benchmarks(repetitions=repetitions, questions=questions, threads=threads)
