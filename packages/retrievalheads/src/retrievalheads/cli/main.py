"""The command line: parse, call, print. Every command says what it needs and what it writes."""

from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Json, Limit, Model, OutDir, make_app, run

from ..options import ConfigFile, ContextTokens, Device, Dtype, MaxExamples, PromptsFolder, say
from .heads import register as register_heads
from .interventions import register as register_causal

app = make_app(
    """Retrieval heads: which heads of a model look things up, and what synthetic data does to them.

    Example: retrievalheads detect --model smollm2 --data dev.jsonl --out scores.json
    """
)


@app.command("generate", hidden=True)  # another name for build-data
@app.command("build-data")
def build_data(
    out: OutDir,
    task: Annotated[str | None, typer.Option("--task", help="mdqa, musique or summhay.")] = None,
    variant: Annotated[
        str | None,
        typer.Option("--variant", help="real-full, real-limited, hh, hl, lh, ll or symbolic."),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--source", help="The task's published file, or JSONL of facts (MDQA: ours)."),
    ] = None,
    context_tokens: ContextTokens = None,
    tokenizer: Annotated[
        str | None, typer.Option("--tokenizer", help="Model spec or folder [smollm2].")
    ] = None,
    n: Annotated[int | None, typer.Option("--n", help="Training examples [400].", min=1)] = None,
    n_dev: Annotated[int | None, typer.Option("--n-dev", help="[n / 8]", min=0)] = None,
    n_test: Annotated[int | None, typer.Option("--n-test", help="[n / 2]", min=0)] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of every choice [0].")] = None,
    generator: Annotated[
        str | None, typer.Option("--generator", help="template, cache, cache:FILE or a model spec.")
    ] = None,
    fictional: Annotated[
        bool | None,
        typer.Option("--fictional/--no-fictional", help="Invented names [low expression]."),
    ] = None,
    wh: Annotated[
        str | None, typer.Option("--wh", help="Question word of real-limited MDQA [who].")
    ] = None,
    hops: Annotated[
        str | None, typer.Option("--hops", help="MuSiQue ids that begin so [3hop1]; any takes all.")
    ] = None,
    domain: Annotated[
        str | None, typer.Option("--domain", help="Of real-limited SummHay [conversation].")
    ] = None,
    chat: Annotated[
        bool | None,
        typer.Option("--chat/--no-chat", help="Chat template [for instruct and chat models]."),
    ] = None,
    prompts: PromptsFolder = None,
    allow_fewer: Annotated[
        bool | None, typer.Option("--allow-fewer/--no-allow-fewer", help="Take what there is.")
    ] = None,
    workers: Annotated[int | None, typer.Option("--workers", help="Processes [1].", min=1)] = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Build train, dev and test of one variant, gold spans token-exact; writes manifest.json.

    Example: retrievalheads build-data --task mdqa --variant hh --source nq.jsonl.gz
    --context-tokens 2048 --n 400 --out data/mdqa-hh
    """
    from tenpapers.cli import load_config

    from ..inputs.builders.build import BuildConfig, build

    settings = load_config(
        BuildConfig,
        config,
        task=task,
        variant=variant,
        source=source,
        context_tokens=context_tokens,
        tokenizer=tokenizer,
        n=n,
        n_dev=n_dev,
        n_test=n_test,
        seed=seed,
        generator=generator,
        fictional=fictional,
        wh=wh,
        hops=hops,
        domain=domain,
        chat=chat,
        prompts=str(prompts) if prompts else None,
        allow_fewer=allow_fewer,
        workers=workers,
    )
    made = build(settings, out, progress=True)
    counts = ", ".join(f"{count} {split}" for split, count in made["counts"].items())
    reasons = {k: v for k, v in made["dropped"].items() if v}
    say(made, as_json, f"{counts}; dropped: {reasons or 'none'}\n-> {out}")


@app.command()
def train(
    data: Annotated[
        Path, typer.Option("--data", help="Folder that `build-data` wrote, or a JSONL file.")
    ],
    out: OutDir,
    model: Model = "smollm2",
    context_tokens: ContextTokens = None,
    rope: Annotated[str | None, typer.Option("--rope", help="ntk, theta=V or none [ntk].")] = None,
    lora_r: Annotated[int | None, typer.Option("--lora-r", min=1, help="[16]")] = None,
    lora_alpha: Annotated[int | None, typer.Option("--lora-alpha", help="[32]")] = None,
    lora_dropout: Annotated[float | None, typer.Option("--lora-dropout", help="[0.05]")] = None,
    no_lora: Annotated[
        bool | None,
        typer.Option("--no-lora/--lora", help="Tune the attention weights themselves."),
    ] = None,
    lr: Annotated[float | None, typer.Option("--lr", help="Peak learning rate [2e-4].")] = None,
    epochs: Annotated[float | None, typer.Option("--epochs", help="[2]")] = None,
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", help="Sequences a step [16].", min=1)
    ] = None,
    micro_batch: Annotated[
        int | None, typer.Option("--micro-batch", help="Sequences at a time [1].", min=1)
    ] = None,
    gradient_checkpointing: Annotated[
        bool | None, typer.Option("--gradient-checkpointing/--no-gradient-checkpointing")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="[0]")] = None,
    device: Device = None,
    dtype: Dtype = None,
    max_examples: MaxExamples = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Tune the attention (LoRA on q, k, v, o) at an extended context; a killed run goes on.

    Example: retrievalheads train --model smollm2 --data data/mdqa-hh --context-tokens 2048
    --out runs/hh
    """
    from tenpapers.cli import load_config
    from tenpapers.report import file_digest

    from ..records import load_examples
    from ..training.attention_tuning import TrainConfig
    from ..training.attention_tuning import train as fit
    from ..training.tuned_model import load_base, local_device

    settings = load_config(
        TrainConfig,
        config,
        context_tokens=context_tokens,
        rope=rope,
        lora_r=lora_r,
        lora_alpha=lora_alpha,
        lora_dropout=lora_dropout,
        no_lora=no_lora,
        lr=lr,
        epochs=epochs,
        batch_size=batch_size,
        micro_batch=micro_batch,
        gradient_checkpointing=gradient_checkpointing,
        seed=seed,
    )
    file = data / "train.jsonl" if data.is_dir() else data
    examples = load_examples(file, limit=max_examples)
    state = fit(
        load_base(model, dtype, device or local_device()),
        examples,
        out,
        settings,
        data_sha256=file_digest(file),
    )
    losses = state["losses"]
    text = (
        f"{state['trainable']} trainable numbers, {state['n_train']} examples; loss "
        f"{losses[0]:.3f} -> {losses[-1]:.3f}\n-> {out}"
    )
    say(state, as_json, text)


register_heads(app)
register_causal(app)


@app.command()
def report(
    runs: Annotated[Path, typer.Option("--runs", help="Folder with runs.jsonl.")],
    as_json: Json = False,
) -> None:
    """Table, figure and verdicts from the runs of a study; writes report.md beside them.

    Example: retrievalheads report --runs runs/retrievalheads-cpu
    """
    from ..study.reporting import report_folder

    verdicts = report_folder(runs)
    text = "\n".join(f"{v['claim']}: {v['verdict']}" for v in verdicts)
    say(verdicts, as_json, f"{text}\n-> {runs / 'report.md'}")


@app.command()
def bench(
    model: Model = "smollm2",
    lengths: Annotated[str, typer.Option("--lengths", help="Tokens of the grid.")] = "256,512,1024",
    depths: Annotated[int, typer.Option("--depths", help="Depths of the grid.", min=2)] = 10,
    needles: Annotated[int, typer.Option("--needles", help="Needles.", min=1, max=3)] = 3,
    threads: Annotated[
        str, typer.Option("--threads", help="Numbers of threads to time with.")
    ] = "2,1",
    memory_tokens: Annotated[
        int, typer.Option("--memory-tokens", help="Length of the memory comparison.", min=64)
    ] = 4096,
    as_json: Json = False,
) -> None:
    """Time and memory of the scoring alone and of three detectors on one grid.

    Ratios are printed once scores agree.

    Example: retrievalheads bench --lengths 256,512 --depths 5
    """
    from ..options import numbers
    from ..speed.compare import run_bench

    found = run_bench(
        model,
        numbers(lengths, "--lengths"),
        depths,
        needles,
        memory_tokens,
        threads=numbers(threads, "--threads"),
    )
    say(found.values, as_json, found.text)


@app.command()
def reproduce(
    out: OutDir,
    scale: Annotated[str, typer.Option("--scale", help="cpu or paper.")] = "cpu",
    config: Annotated[
        Path | None, typer.Option("--config", help="YAML of the study; replaces the scale's.")
    ] = None,
    model: Annotated[str | None, typer.Option("--model", help="Model spec of part A.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of every choice.")] = None,
    limit: Limit = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Discard what an earlier run left in --out.")
    ] = False,
) -> None:
    """Run the study: variants, heads, correlation, knockout, patching; writes report and figure.

    Example: retrievalheads reproduce --scale cpu --out runs/retrievalheads-cpu
    """
    from ..study.reproduce import reproduce as run_study

    run_study(
        out, scale=scale, config=config, model=model, seed=seed, limit=limit, overwrite=overwrite
    )


def main() -> None:
    """Run the command line."""
    run(app)
