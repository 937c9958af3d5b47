"""Commands that look at adapters and rankings, merge them, or run studies and timings."""

from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Json, Limit, OutDir

from ..options import Data, Device, Dtype, load, read_config, say

ModelOption = Annotated[str, typer.Option("--model", help="Model spec: smollm2 or hf:ID.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("merge")(merge)
    app.command("inspect")(inspect)
    app.command("compare-heads")(compare_heads)
    app.command("transfer")(transfer)
    app.command("sweep")(sweep)
    app.command("bench")(bench)


def merge(
    adapter: Annotated[Path, typer.Option("--adapter", help="Folder of an adapter.")],
    out: OutDir,
    model: ModelOption = "smollm2",
    via: Annotated[str, typer.Option("--via", help="o_proj or v_proj.")] = "o_proj",
    to_llama: Annotated[
        bool, typer.Option("--to-llama", help="Mistral, Qwen2: save as a LlamaForCausalLM.")
    ] = False,
    all_positions: Annotated[
        bool, typer.Option("--all-positions", help="Let an ITI adapter act at every token.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Reload plainly and compare; exit 3 if it differs.")
    ] = False,
    dtype: Dtype = None,
    device: Device = None,
) -> None:
    """Write a checkpoint that ordinary loaders and vLLM serve; writes verify.json.

    Example: lofit merge --adapter runs/first/adapter --out runs/merged --verify
    """
    from tenpapers.errors import UserError
    from tenpapers.records import write_json

    from ..offsets.adapter import LofitAdapter
    from ..offsets.merge import merge as merge_weights
    from ..offsets.merge_check import verify_merge

    if via not in ("o_proj", "v_proj"):
        raise UserError(f"--via {via}: unknown", "o_proj or v_proj")
    loaded = LofitAdapter.load(adapter)
    lm = load(model, dtype, device)
    merged = merge_weights(
        lm.model,
        loaded,
        via=via,  # type: ignore[arg-type]
        to_llama=to_llama,
        all_positions=all_positions,
    )
    merged.save_pretrained(out)
    lm.tokenizer.save_pretrained(out)
    print(f"-> {out}")
    if not verify:
        return
    report = verify_merge(lm.model, loaded, out, lm.tokenizer, all_positions=all_positions)
    write_json(out / "verify.json", report.as_dict())
    print(
        f"merged against hooked: largest logit difference {report.max_abs_logit_diff:.2g} "
        f"(tolerance {report.tolerance:g}), greedy texts equal {report.greedy_agreement:.0%}; "
        f"against the base: {report.max_abs_change:.2g}"
    )
    if not report.ok:
        print("the merged checkpoint does not compute what the adapter does")
        raise typer.Exit(3)


def inspect(
    adapter: Annotated[Path, typer.Argument(help="Folder of an adapter.")], as_json: Json = False
) -> None:
    """Heads, norms, size, and whether the adapter can be merged.

    Example: lofit inspect runs/first/adapter
    """
    from ..baselines.common import load_intervention
    from ..study.tables import describe

    content = describe(load_intervention(adapter))
    say(content, as_json, "\n".join(f"{name}: {value}" for name, value in content.items()))


def compare_heads(
    rankings: Annotated[list[Path], typer.Argument(help="Two or more heads.json (or .npy).")],
    out: OutDir,
    top_k: Annotated[
        int | None, typer.Option("--top-k", help="Heads of each; default 3 %.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Jaccard between head sets, layers, rank correlation; writes comparison.json and two PNG.

    Example: lofit compare-heads a/heads.json b/heads.json --out runs/compared
    """
    from ..study.compare_rankings import compare_rankings

    content, text = compare_rankings(rankings, out, top_k)
    say(content, as_json, text)


def transfer(
    out: OutDir,
    tasks: Annotated[str, typer.Option("--tasks", help="Names with commas.")] = "mquake,clutrr",
    model: ModelOption = "smollm2",
    data: Data = None,
    top_k: Annotated[int | None, typer.Option("--top-k", help="Heads; default 3 %.")] = None,
    split: Annotated[str, typer.Option("--split", help="val or test.")] = "test",
    config: Annotated[Path | None, typer.Option("--config", help="YAML as for train.")] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", min=1)] = None,
    train_size: Annotated[int | None, typer.Option("--train-size", min=1)] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Of values and order (42).")] = None,
    limit: Limit = None,
    dtype: Dtype = None,
    device: Device = None,
) -> None:
    """Heads of one task used for another (the paper's figure 2); writes transfer.json and a PNG."""
    from dataclasses import replace

    from ..study.figures import matrix_figure
    from ..study.transfer_and_sweep import transfer as run_transfer

    settings = read_config(
        config, model=model, data=data, epochs=epochs, seed=seed, train_size=train_size
    )
    loaded = [replace(settings, task=name.strip()).load_task() for name in tasks.split(",")]
    found = run_transfer(
        load(model, dtype, device),
        loaded,
        out,
        select=settings.select(),
        tune=settings.tune(),
        k=top_k,
        limit=limit,
        split=split,
    )
    labels = [
        [f"{value:.0f}{mark}" for value, mark in zip(row, marks, strict=True)]
        for row, marks in zip(found["percent"], found["stars"], strict=True)
    ]
    picture = matrix_figure(
        out / "transfer.png",
        found["tasks"],
        found["percent"],
        labels,
        rows="heads from",
        columns="offsets and test on",
        title="Metric in percent of the task's own heads",
    )
    width = max(map(len, found["tasks"])) + 2
    print(" " * width + "".join(name.rjust(width) for name in found["tasks"]))
    for name, row in zip(found["tasks"], labels, strict=True):
        print(name.ljust(width) + "".join(cell.rjust(width) for cell in row))
    print(f"-> {out / 'transfer.json'}, {picture.path}")


def sweep(
    out: OutDir,
    over: Annotated[
        str, typer.Option("--over", help="k (% of heads), scale, l1, train-size, component.")
    ],
    values: Annotated[str, typer.Option("--values", help="Numbers with commas.")] = "1,3,5,10,20",
    task: Annotated[str, typer.Option("--task")] = "mquake",
    model: ModelOption = "smollm2",
    data: Data = None,
    top_k: Annotated[int | None, typer.Option("--top-k", help="Heads; default 3 %.")] = None,
    split: Annotated[str, typer.Option("--split", help="val or test.")] = "val",
    config: Annotated[Path | None, typer.Option("--config", help="YAML as for train.")] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", min=1)] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Of values and order (42).")] = None,
    limit: Limit = None,
    dtype: Dtype = None,
    device: Device = None,
) -> None:
    """The metric over one setting (the paper's figures 4 and 5); writes sweep.json and a PNG.

    Example: lofit sweep --over scale --values 0,0.5,1,1.5,2 --task mquake --out runs/sweep
    """
    from tenpapers.errors import UserError
    from tenpapers.models import HeadGeometry

    from ..heads.ranking import default_k
    from ..study.figures import curve_figure
    from ..study.transfer_and_sweep import SWEEPS
    from ..study.transfer_and_sweep import sweep as run_sweep

    if over not in SWEEPS:
        raise UserError(f"--over {over}: unknown", f"one of {', '.join(SWEEPS)}")
    try:
        numbers = [float(value) for value in values.split(",")]
    except ValueError:
        raise UserError(f"--values {values}: numbers with commas are wanted") from None
    settings = read_config(config, model=model, data=data, task=task, epochs=epochs, seed=seed)
    lm = load(model, dtype, device)
    k = top_k or default_k(HeadGeometry.from_config(lm.model.config))
    curves = run_sweep(
        lm,
        settings.load_task(),
        over,
        numbers,
        out,
        select=settings.select(),
        tune=settings.tune(),
        k=k,
        split=split,
        limit=limit,
    )
    axis = {
        "k": "heads (% of all)",
        "scale": "strength of the offsets",
        "l1": "lambda of step 1",
        "train-size": "training examples",
        "component": "",
    }[over]
    picture = curve_figure(
        out / "sweep.png",
        curves,
        xlabel=axis,
        ylabel=f"{task} {split} (%)",
        title=f"{task}: {over}",
    )
    for name, points in curves.items():
        print(f"{name}: " + ", ".join(f"{x:g}: {y:.1f}" for x, y in points))
    print(f"-> {out / 'sweep.json'}, {picture.path}")


def bench(
    repetitions: Annotated[int, typer.Option("--repetitions", help="Interleaved.", min=1)] = 5,
    questions: Annotated[int, typer.Option("--questions", help="Of the MC scorers.", min=1)] = 3,
    threads: Annotated[int | None, typer.Option("--threads", help="Default: all cores.")] = None,
) -> None:
    """Time training steps and multiple-choice scoring against their peers, in this process."""
    from ..speed.bench import run_benchmarks

    run_benchmarks(repetitions=repetitions, questions=questions, threads=threads)
