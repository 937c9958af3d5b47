"""Commands that look at adapters and rankings, merge them, or run studies and timings."""

from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Json, Limit, OutDir, say
from tenpapers.settings import options

from ..inputs.load_task import Split
from ..study.settings import MergeSettings, Over, TopK, TrainSettings

app = typer.Typer()

SplitOption = Annotated[Split, typer.Option("--split", help="Part that is tested on.")]


@app.command()
@options(MergeSettings)
def merge(settings: MergeSettings, out: OutDir) -> None:
    """Write a checkpoint that ordinary loaders and vLLM serve; writes verify.json.

    Example: lofit merge --adapter runs/first/adapter --out runs/merged --verify
    """
    from ..offsets.adapter import LofitAdapter
    from ..serving.merged_folder import check_merged, write_merged

    adapter, everywhere = LofitAdapter.load(settings.adapter), settings.all_positions
    lm = settings.load_model()
    write_merged(
        lm, adapter, out, via=settings.via, to_llama=settings.to_llama, all_positions=everywhere
    )
    print(f"-> {out}")
    if not settings.verify:
        return
    report = check_merged(lm, adapter, out, all_positions=everywhere)
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

    content, text = compare_rankings(rankings, out, top_k)
    say(content, as_json, text)


@app.command()
@options(TrainSettings, names={"select_lr": "--lr"}, without=["task"])
def transfer(
    settings: TrainSettings,
    out: OutDir,
    tasks: Annotated[str, typer.Option("--tasks", help="Names with commas.")] = "mquake,clutrr",
    split: SplitOption = "test",
    limit: Limit = None,
) -> None:
    """Heads of one task used for another (the paper's figure 2); writes transfer.json and a PNG.

    Example: lofit transfer --tasks mquake,clutrr --out runs/transfer
    """
    from ..study.transfer import transfer as run_transfer

    print(run_transfer(settings, tasks, out, split=split, limit=limit))


@app.command()
@options(TrainSettings, names={"select_lr": "--lr"})
def sweep(
    settings: TrainSettings,
    out: OutDir,
    over: Annotated[Over, typer.Option("--over", help="The setting; k is in % of the heads.")],
    values: Annotated[str, typer.Option("--values", help="Numbers with commas.")] = "1,3,5,10,20",
    split: SplitOption = "val",
    limit: Limit = None,
) -> None:
    """The metric over one setting (the paper's figures 4 and 5); writes sweep.json and a PNG.

    Example: lofit sweep --over scale --values 0,0.5,1,1.5,2 --task mquake --out runs/sweep
    """
    from ..study.sweep import sweep as run_sweep

    print(run_sweep(settings, over, values, out, split=split, limit=limit))


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
