"""Commands of the two steps: select-heads, tune, train, rank-heads."""

from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Json, OutDir

from ..options import (
    L1,
    BatchSize,
    ConfigFile,
    Data,
    Device,
    Dtype,
    EosToken,
    Epochs,
    MaxLength,
    PromptsFolder,
    TopK,
    TrainSize,
    load,
    missing_note,
    now,
    read_config,
    say,
    write_manifest,
)

OptionalModel = Annotated[
    str | None, typer.Option("--model", help="Model spec (default smollm2); hf: or embedded.")
]
OptionalTask = Annotated[
    str | None,
    typer.Option(
        "--task", help="truthfulqa, mquake (default), clutrr, jsonl, or a set of the hub."
    ),
]
OptionalSeed = Annotated[int | None, typer.Option("--seed", help="Of values and order (42).")]
# None is "not given", so that a settings file is not overruled by a default.
OptionalFold = Annotated[int | None, typer.Option("--fold", help="Fold of TruthfulQA (0) or 1.")]
OptionalPairs = Annotated[
    str | None,
    typer.Option("--pairs", help="TruthfulQA's rejected answers: first (default), all, random."),
]
OptionalChat = Annotated[
    bool | None,
    typer.Option("--chat-template/--no-chat-template", help="Wrap prompts as chat turns."),
]
OptionalQuirks = Annotated[
    bool | None,
    typer.Option("--official-quirks", help="CLUTRR's double blank of the released code."),
]
OptionalDedup = Annotated[
    bool | None, typer.Option("--dedup", help="Drop repeated CLUTRR stories.")
]
Rate = Annotated[float | None, typer.Option("--lr", help="Peak learning rate.")]
TuneRate = Annotated[float | None, typer.Option("--tune-lr", help="Of step 2 (0.01).")]
SelectRate = Annotated[float | None, typer.Option("--lr", help="Of step 1 (0.005).")]
Heads = Annotated[Path, typer.Option("--heads", help="heads.json, or the official heads.npy.")]
Decay = Annotated[float | None, typer.Option("--weight-decay", help="Of AdamW (0).", min=0)]
Anomaly = Annotated[
    bool | None, typer.Option("--debug-anomaly", help="Name what first gave a NaN gradient (slow).")
]
Mode = Annotated[str | None, typer.Option("--l1-mode", help="loss (the paper's) or prox.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("select-heads")(select_heads)
    app.command("tune")(tune)
    app.command("train")(train)
    app.command("rank-heads")(rank_heads)


def select_heads(
    out: OutDir,
    model: OptionalModel = None,
    task: OptionalTask = None,
    data: Data = None,
    lr: SelectRate = None,
    l1: L1 = None,
    l1_mode: Mode = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    weight_decay: Decay = None,
    top_k: TopK = None,
    fold: OptionalFold = None,
    pairs: OptionalPairs = None,
    train_size: TrainSize = None,
    max_length: MaxLength = None,
    chat_template: OptionalChat = None,
    eos_token: EosToken = None,
    official_quirks: OptionalQuirks = None,
    dedup: OptionalDedup = None,
    prompts: PromptsFolder = None,
    seed: OptionalSeed = None,
    debug_anomaly: Anomaly = None,
    dtype: Dtype = None,
    device: Device = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Step 1: scales on all heads; writes heads.json, scores.npy, heads.npy, scale.safetensors.

    Example: lofit select-heads --model smollm2 --task mquake --out runs/heads
    """
    _rank(
        "lofit",
        out,
        config,
        as_json,
        dtype,
        device,
        debug_anomaly=debug_anomaly,
        top_k=top_k,
        official_quirks=official_quirks,
        dedup=dedup,
        model=model,
        task=task,
        data=data,
        select_lr=lr,
        l1=l1,
        l1_mode=l1_mode,
        epochs=epochs,
        batch_size=batch_size,
        weight_decay=weight_decay,
        fold=fold,
        pairs=pairs,
        train_size=train_size,
        max_length=max_length,
        chat_template=chat_template,
        eos_token=eos_token,
        seed=seed,
        prompts=prompts,
    )


def rank_heads(
    out: OutDir,
    method: Annotated[
        str, typer.Option("--method", help="lofit, random, probe, layer-probe or bias.")
    ] = "lofit",
    model: OptionalModel = None,
    task: OptionalTask = None,
    data: Data = None,
    lr: SelectRate = None,
    l1: L1 = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    top_k: TopK = None,
    fold: OptionalFold = None,
    train_size: TrainSize = None,
    max_length: MaxLength = None,
    chat_template: OptionalChat = None,
    eos_token: EosToken = None,
    prompts: PromptsFolder = None,
    seed: OptionalSeed = None,
    dtype: Dtype = None,
    device: Device = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Rank heads by another rule (the paper's ablation of the selection).

    Example: lofit rank-heads --method probe --task mquake --out runs/probe
    """
    _rank(
        method,
        out,
        config,
        as_json,
        dtype,
        device,
        top_k=top_k,
        model=model,
        task=task,
        data=data,
        select_lr=lr,
        l1=l1,
        epochs=epochs,
        batch_size=batch_size,
        fold=fold,
        train_size=train_size,
        max_length=max_length,
        chat_template=chat_template,
        eos_token=eos_token,
        seed=seed,
        prompts=prompts,
    )


def _rank(
    method: str,
    out: Path,
    file: Path | None,
    as_json: bool,
    dtype: str | None,
    device: str | None,
    **flags: object,
) -> None:
    from dataclasses import asdict

    from tenpapers.models import HeadGeometry

    from ..baselines.parameter_counts import parameter_counts
    from ..heads.other_selectors import METHODS
    from ..heads.ranking import check_k, default_k
    from ..study.two_steps import choose_heads

    if method not in METHODS:
        from tenpapers.errors import UserError

        raise UserError(f"--method {method}: unknown", f"one of {', '.join(METHODS)}")
    began = now()
    config = read_config(file, **flags)
    task = config.load_task()
    lm = load(config.model, dtype, device)
    shape = HeadGeometry.from_config(lm.model.config)
    k = config.top_k if config.top_k is not None else default_k(shape)
    check_k(k, shape.n_layers * shape.n_heads, shape.n_layers * shape.n_heads)
    ranking = choose_heads(
        lm, task, config.select(), out, method=method, encoding=config.encoding()
    )
    counts = parameter_counts(lm.model.config, k)
    write_manifest(out, asdict(config), seed=config.seed, began=began, task=task, trainable=counts)
    top = [list(head) for head in ranking.top(k)]
    shown = " ".join(f"{layer}.{head}" for layer, head in top)
    numbers = "\n".join(f"{count:>12,} {name}" for name, count in counts.items())
    text = f"best {k} of {len(ranking.order)} heads (layer.head): {shown}\n{numbers}"
    say(
        {"order": top, "method": method, "parameters": counts},
        as_json,
        f"{text}{missing_note(task)}\n-> {out / 'heads.json'}",
    )


def tune(
    heads: Heads,
    out: OutDir,
    model: OptionalModel = None,
    task: OptionalTask = None,
    data: Data = None,
    lr: Rate = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    weight_decay: Decay = None,
    top_k: TopK = None,
    fold: OptionalFold = None,
    pairs: OptionalPairs = None,
    train_size: TrainSize = None,
    max_length: MaxLength = None,
    chat_template: OptionalChat = None,
    eos_token: EosToken = None,
    official_quirks: OptionalQuirks = None,
    dedup: OptionalDedup = None,
    prompts: PromptsFolder = None,
    seed: OptionalSeed = None,
    debug_anomaly: Anomaly = None,
    dtype: Dtype = None,
    device: Device = None,
    config: ConfigFile = None,
) -> None:
    """Step 2: offsets on the first K heads of a ranking; writes adapter/ and train_log.jsonl.

    Example: lofit tune --heads runs/heads/heads.json --task mquake --out runs/tuned
    """
    from dataclasses import asdict

    from tenpapers.models import HeadGeometry

    from ..heads.ranking import default_k, read_heads
    from ..study.two_steps import learn_offsets

    began = now()
    settings = read_config(
        config,
        model=model,
        task=task,
        data=data,
        tune_lr=lr,
        epochs=epochs,
        batch_size=batch_size,
        weight_decay=weight_decay,
        top_k=top_k,
        fold=fold,
        pairs=pairs,
        train_size=train_size,
        max_length=max_length,
        chat_template=chat_template,
        eos_token=eos_token,
        seed=seed,
        prompts=prompts,
        debug_anomaly=debug_anomaly,
        official_quirks=official_quirks,
        dedup=dedup,
    )
    loaded = settings.load_task()
    lm = load(settings.model, dtype, device)
    shape = HeadGeometry.from_config(lm.model.config)
    ranking = read_heads(heads, shape)
    k = settings.top_k if settings.top_k is not None else min(default_k(shape), len(ranking.order))
    adapter, log = learn_offsets(
        lm,
        loaded,
        ranking.top(k),
        settings.tune(),
        out,
        ranking=ranking,
        encoding=settings.encoding(),
    )
    write_manifest(
        out,
        asdict(settings),
        seed=settings.seed,
        began=began,
        task=loaded,
        trainable=adapter.n_parameters,
    )
    print(
        f"{adapter.n_parameters} numbers on {k} heads, loss {log.losses[0]:.3f} -> "
        f"{log.losses[-1]:.3f}{missing_note(loaded)}\n-> {out / 'adapter'}"
    )


def train(
    out: OutDir,
    model: OptionalModel = None,
    task: OptionalTask = None,
    data: Data = None,
    lr: SelectRate = None,
    tune_lr: TuneRate = None,
    l1: L1 = None,
    l1_mode: Mode = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    weight_decay: Decay = None,
    top_k: TopK = None,
    fold: OptionalFold = None,
    pairs: OptionalPairs = None,
    train_size: TrainSize = None,
    max_length: MaxLength = None,
    chat_template: OptionalChat = None,
    eos_token: EosToken = None,
    official_quirks: OptionalQuirks = None,
    dedup: OptionalDedup = None,
    prompts: PromptsFolder = None,
    seed: OptionalSeed = None,
    debug_anomaly: Anomaly = None,
    dtype: Dtype = None,
    device: Device = None,
    config: ConfigFile = None,
) -> None:
    """Both steps; ends with heads.json and adapter/ in --out. Killed, it goes on where it was.

    Example: lofit train --task jsonl --data train.jsonl --model hf:ID --out runs/mine
    """
    from dataclasses import asdict

    from tenpapers.models import HeadGeometry

    from ..heads.ranking import check_k, default_k
    from ..study.two_steps import choose_heads, learn_offsets

    began = now()
    settings = read_config(
        config,
        model=model,
        task=task,
        data=data,
        select_lr=lr,
        tune_lr=tune_lr,
        l1=l1,
        l1_mode=l1_mode,
        epochs=epochs,
        batch_size=batch_size,
        weight_decay=weight_decay,
        top_k=top_k,
        fold=fold,
        pairs=pairs,
        train_size=train_size,
        max_length=max_length,
        chat_template=chat_template,
        eos_token=eos_token,
        seed=seed,
        prompts=prompts,
        debug_anomaly=debug_anomaly,
        official_quirks=official_quirks,
        dedup=dedup,
    )
    loaded = settings.load_task()
    lm = load(settings.model, dtype, device)
    shape = HeadGeometry.from_config(lm.model.config)
    k = settings.top_k if settings.top_k is not None else default_k(shape)
    check_k(k, shape.n_layers * shape.n_heads, shape.n_layers * shape.n_heads)
    ranking = choose_heads(lm, loaded, settings.select(), out, encoding=settings.encoding())
    adapter, log = learn_offsets(
        lm,
        loaded,
        ranking.top(k),
        settings.tune(),
        out,
        ranking=ranking,
        encoding=settings.encoding(),
    )
    write_manifest(
        out,
        asdict(settings),
        seed=settings.seed,
        began=began,
        task=loaded,
        trainable=adapter.n_parameters,
    )
    print(
        f"{adapter.n_parameters} numbers on {k} of {len(ranking.order)} heads, loss of step 2 "
        f"{log.losses[0]:.3f} -> {log.losses[-1]:.3f}{missing_note(loaded)}\n"
        f"-> {out / 'heads.json'}, {out / 'adapter'}"
    )
