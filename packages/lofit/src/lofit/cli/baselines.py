"""`lofit baseline METHOD`: what LoFiT is compared with, in the same output layout."""

from pathlib import Path
from typing import Annotated, Any

import typer
from tenpapers.cli import OutDir, Seed

from ..options import (
    BatchSize,
    Chat,
    Data,
    Device,
    Dtype,
    Epochs,
    Fold,
    TaskName,
    TrainSize,
    load,
    now,
    write_manifest,
)

app = typer.Typer(
    help="Baselines: iti, repe, lora, red, reft, zero-shot.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
ModelOption = Annotated[str, typer.Option("--model", help="Model spec: smollm2 or hf:ID.")]


def _task(task: str, data: Path | None, fold: int, train_size: int | None, seed: int) -> Any:
    from ..inputs.load_task import load_task

    return load_task(task, data, fold=fold, train_size=train_size, seed=seed)


def _finish(
    out: Path,
    adapter: Any,
    method: str,
    loaded: Any,
    began: float,
    seed: int,
    settings: dict[str, Any],
) -> None:
    adapter.save(out / "adapter")
    write_manifest(
        out,
        settings | {"method": method},
        seed=seed,
        began=began,
        task=loaded,
        trainable=adapter.n_parameters,
    )
    print(f"{method}: {adapter.n_parameters} numbers\n-> {out / 'adapter'}")


@app.command()
def iti(
    task: TaskName,
    out: OutDir,
    model: ModelOption = "smollm2",
    data: Data = None,
    top_k: Annotated[int | None, typer.Option("--top-k", help="Heads; default 3 % of all.")] = None,
    alpha: Annotated[
        float, typer.Option("--alpha", help="Strength in standard deviations.")
    ] = 15.0,
    direction: Annotated[
        str, typer.Option("--direction", help="mass-mean, probe or random.")
    ] = "mass-mean",
    all_positions: Annotated[
        bool, typer.Option("--all-positions", help="Edit every token (can be merged).")
    ] = False,
    fold: Fold = 0,
    train_size: TrainSize = None,
    chat_template: Chat = False,
    seed: Seed = 42,
    dtype: Dtype = None,
    device: Device = None,
) -> None:
    """Inference-time intervention: vectors from probes and class means, no training."""
    from tenpapers.errors import UserError
    from tenpapers.models import AttentionLayout

    from ..baselines.iti import fit_iti
    from ..heads.ranking import default_k

    if direction not in ("mass-mean", "probe", "random"):
        raise UserError(f"--direction {direction}: unknown", "mass-mean, probe or random")
    began = now()
    loaded = _task(task, data, fold, train_size, seed)
    lm = load(model, dtype, device)
    geometry = AttentionLayout.from_model(lm.model).geometry
    adapter, ranking = fit_iti(
        lm.model,
        lm.tokenizer,
        loaded.contrast,
        k=default_k(geometry) if top_k is None else top_k,
        alpha=alpha,
        direction=direction,  # type: ignore[arg-type]
        all_positions=all_positions,
        seed=seed,
        chat=chat_template,
        progress=True,
    )
    ranking.save(out, geometry)
    _finish(
        out, adapter, "iti", loaded, began, seed, {"model": model, "task": task, "alpha": alpha}
    )


@app.command()
def repe(
    task: TaskName,
    out: OutDir,
    model: ModelOption = "smollm2",
    data: Data = None,
    coefficient: Annotated[
        float | None, typer.Option("--coefficient", help="Strength; default: best on val.")
    ] = None,
    window: Annotated[
        str | None, typer.Option("--window", help="Layers FIRST:END; default the middle third.")
    ] = None,
    fold: Fold = 0,
    train_size: TrainSize = None,
    chat_template: Chat = False,
    seed: Seed = 42,
    dtype: Dtype = None,
    device: Device = None,
    limit: Annotated[int, typer.Option("--limit", help="Items of val for the search.")] = 50,
) -> None:
    """Reading vectors added to the residual stream, no training (settings are our choice)."""
    from dataclasses import replace

    from tenpapers.errors import UserError

    from ..baselines.repe import fit_repe
    from ..study.transfer_and_sweep import evaluate_task, headline

    began = now()
    span = None
    if window is not None:
        parts = window.split(":")
        if len(parts) != 2 or not all(part.isdigit() for part in parts):
            raise UserError(f"--window {window}: FIRST:END is wanted, e.g. 10:20")
        span = (int(parts[0]), int(parts[1]))
    loaded = _task(task, data, fold, train_size, seed)
    lm = load(model, dtype, device)
    adapter = fit_repe(
        lm.model, lm.tokenizer, loaded.contrast, window=span, seed=seed, chat=chat_template
    )
    tried = {}
    if coefficient is None and loaded.val:
        for candidate in (0.5, 1.0, 2.0, 4.0, 8.0):
            found = evaluate_task(
                lm, loaded, replace(adapter, coefficient=candidate), split="val", limit=limit
            )
            values = headline(found)[1]
            tried[candidate] = sum(values) / len(values)
        coefficient = max(tried, key=lambda c: (tried[c], -c))
        print("on val: " + ", ".join(f"c={c:g}: {value:.1f}" for c, value in tried.items()))
    adapter = replace(adapter, coefficient=1.0 if coefficient is None else coefficient)
    _finish(
        out,
        adapter,
        "repe",
        loaded,
        began,
        seed,
        {"model": model, "task": task, "coefficient": adapter.coefficient, "tried": tried},
    )


def _trained(
    method: str,
    task: str,
    out: Path,
    model: str,
    data: Path | None,
    lr: float,
    epochs: int | None,
    batch_size: int | None,
    fold: int,
    train_size: int | None,
    chat: bool,
    seed: int,
    dtype: str | None,
    device: str | None,
) -> None:
    from dataclasses import asdict

    from ..baselines.lora import fit_lora
    from ..baselines.loreft import fit_reft
    from ..baselines.red import fit_red
    from ..records import FitConfig
    from ..study.two_steps import write_log

    began = now()
    loaded = _task(task, data, fold, train_size, seed)
    lm = load(model, dtype, device)
    config = FitConfig(lr=lr, epochs=epochs or 5, batch_size=batch_size or 8, seed=seed)
    fitters: dict[str, Any] = {"lora": fit_lora, "red": fit_red, "reft": fit_reft}
    adapter, log = fitters[method](
        lm.model, lm.tokenizer, loaded.train, config, state=out / ".fit", chat=chat
    )
    write_log(out, log)
    _finish(
        out, adapter, method, loaded, began, seed, {"model": model, "task": task} | asdict(config)
    )


Rate = Annotated[float, typer.Option("--lr", help="Peak learning rate.")]


def _trained_command(method: str, text: str) -> None:
    @app.command(method, help=text)
    def command(
        task: TaskName,
        out: OutDir,
        model: ModelOption = "smollm2",
        data: Data = None,
        lr: Rate = 1e-3,
        epochs: Epochs = None,
        batch_size: BatchSize = None,
        fold: Fold = 0,
        train_size: TrainSize = None,
        chat_template: Chat = False,
        seed: Seed = 42,
        dtype: Dtype = None,
        device: Device = None,
    ) -> None:
        _trained(
            method,
            task,
            out,
            model,
            data,
            lr,
            epochs,
            batch_size,
            fold,
            train_size,
            chat_template,
            seed,
            dtype,
            device,
        )


for _method, _text in {
    "lora": "LoRA of rank 8 on query and value projections, by peft; the folder is peft's own.",
    "red": "RED: a scale and a shift on the MLP output of every layer.",
    "reft": "LoReFT of rank 8 after every layer.",
}.items():
    _trained_command(_method, _text)


@app.command("zero-shot")
def zero_shot(
    task: TaskName,
    out: OutDir,
    model: ModelOption = "smollm2",
    data: Data = None,
    fold: Fold = 0,
    limit: Annotated[int | None, typer.Option("--limit", min=1)] = None,
    dtype: Dtype = None,
    device: Device = None,
) -> None:
    """The base model on the task's test part; the same files as `evaluate`."""
    from tenpapers.records import write_json, write_jsonl

    from ..study.tables import metrics_text
    from ..study.transfer_and_sweep import evaluate_task

    loaded = _task(task, data, fold, None, 42)
    found = evaluate_task(load(model, dtype, device), loaded, limit=limit, progress=True)
    write_jsonl(out / "predictions.jsonl", found.items)
    results = found.as_results() | {"model": model, "adapter": None}
    write_json(out / "results.json", results)
    print(f"{metrics_text(results)}\n-> {out / 'predictions.jsonl'}")
