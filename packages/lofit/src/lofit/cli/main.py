"""The command line: parse, call, print. Every command says what it needs and what it writes."""

from pathlib import Path
from typing import Annotated, Any

import typer
from tenpapers.cli import Cache, Json, Limit, Model, OutDir, OutFile, Seed, make_app, run

from ..options import (
    Adapter,
    Chat,
    Data,
    Dedup,
    Device,
    Dtype,
    PromptsFolder,
    Quirks,
    TaskName,
    load,
    say,
)
from .analysis import register as register_analysis
from .baselines import app as baseline_app
from .train import register as register_training

app = make_app(
    """LoFiT: pick a few attention heads, learn one offset vector for each, and nothing else.

    Example: lofit train --task mquake --model smollm2 --out runs/first
    """
)
register_training(app)
app.add_typer(baseline_app, name="baseline")
register_analysis(app)

Strength = Annotated[float, typer.Option("--scale", help="Factor of the adapter; 0 is the base.")]


@app.command()
def evaluate(
    task: TaskName,
    out: OutDir,
    model: Model = "smollm2",
    adapter: Adapter = None,
    data: Data = None,
    split: Annotated[
        str, typer.Option("--split", help="val or test, without --data FILE.")
    ] = "test",
    fold: Annotated[
        int, typer.Option("--fold", help="Fold of TruthfulQA, without --data FILE.")
    ] = 0,
    scale: Strength = 1.0,
    instruction: Annotated[
        bool, typer.Option("--instruction/--no-instruction", help="TruthfulQA's instruction.")
    ] = True,
    max_tokens: Annotated[int, typer.Option("--max-tokens", help="Of an answer.", min=1)] = 16,
    judge_true: Annotated[
        str | None, typer.Option("--judge-true", help="Model spec; open answers instead of MC.")
    ] = None,
    judge_informative: Annotated[
        str | None, typer.Option("--judge-informative", help="Model spec.")
    ] = None,
    allow_http: Annotated[
        bool, typer.Option("--allow-http", help="Agree to send answers to a judge's server.")
    ] = False,
    documents: Annotated[
        Path | None,
        typer.Option("--documents", help="Text file, one document a line: side effects on it."),
    ] = None,
    chat_template: Chat = False,
    official_quirks: Quirks = False,
    dedup: Dedup = False,
    prompts: PromptsFolder = None,
    dtype: Dtype = None,
    device: Device = None,
    cache: Cache = True,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Grade a model, with or without an adapter; writes predictions.jsonl and results.json.

    Example: lofit evaluate --task mquake --adapter runs/first/adapter --out runs/eval
    """
    from tenpapers.errors import UserError
    from tenpapers.generation import CompletionCache
    from tenpapers.records import write_json, write_jsonl

    from ..baselines.common import load_intervention
    from ..inputs.load_task import load_task, read_evaluation
    from ..records import MultipleChoiceItem
    from ..scoring.evaluate import evaluate_answers, evaluate_choices, evaluate_open
    from ..scoring.judges import open_judge
    from ..scoring.side_effects import side_effects
    from ..study.tables import metrics_text

    if split not in ("val", "test", "train"):
        raise UserError(f"--split {split}: unknown", "val or test")
    if data is not None and data.is_file():
        items = read_evaluation(task, data, prompts=prompts, quirks=official_quirks, dedup=dedup)
    elif data is not None and not data.exists():
        raise UserError(f"{data}: no such file or folder")
    else:
        loaded = load_task(
            task, data, fold=fold, prompts=prompts, quirks=official_quirks, dedup=dedup
        )
        items = getattr(loaded, split)
    items = items[:limit]
    if not items:
        raise UserError(f"--task {task}: nothing to evaluate on")
    intervention = load_intervention(adapter) if adapter else None
    named = {"true": judge_true, "informative": judge_informative}
    judges = {
        kind: open_judge(spec, kind, allow_http=allow_http) for kind, spec in named.items() if spec
    }
    lm = load(model, dtype, device)
    store = CompletionCache() if cache else None
    common: dict[str, Any] = {"strength": scale, "progress": True}
    if not isinstance(items[0], MultipleChoiceItem):
        found = evaluate_answers(
            lm,
            items,
            intervention,
            task=task,
            max_tokens=max_tokens,
            chat=chat_template,
            cache=store,
            **common,
        )
    elif judges:
        found = evaluate_open(
            lm,
            items,
            judges,
            intervention,
            instruction=instruction,
            prompts=prompts,
            cache=store,
            **common,
        )
    else:
        found = evaluate_choices(
            lm, items, intervention, instruction=instruction, prompts=prompts, **common
        )
    results = found.as_results() | {"model": model, "adapter": str(adapter) if adapter else None}
    if documents is not None:
        if intervention is None:
            raise UserError("--documents compares with an adapter", "pass --adapter")
        if not documents.is_file():
            raise UserError(f"{documents}: no such file")
        texts = [
            line for line in documents.read_text(encoding="utf-8").splitlines() if line.strip()
        ]
        results["side_effects"] = side_effects(lm, intervention, texts)
    write_jsonl(out / "predictions.jsonl", found.items)
    write_json(out / "results.json", results)
    say(results, as_json, f"{metrics_text(results)}\n-> {out / 'predictions.jsonl'}")


@app.command()
def generate(
    prompts: Annotated[Path, typer.Option("--prompts", help="JSONL with id and prompt.")],
    out: OutFile,
    model: Model = "smollm2",
    adapter: Adapter = None,
    backend: Annotated[str, typer.Option("--backend", help="hf (hooks) or vllm (merged).")] = "hf",
    max_tokens: Annotated[int, typer.Option("--max-tokens", min=1)] = 64,
    temperature: Annotated[float, typer.Option("--temperature", help="0 is greedy.", min=0)] = 0.0,
    scale: Strength = 1.0,
    seed: Seed = 0,
    chat_template: Chat = False,
    dtype: Dtype = None,
    device: Device = None,
    cache: Cache = True,
) -> None:
    """Complete prompts with an adapter; vllm serves a merged folder, made beside the output.

    Example: lofit generate --adapter runs/first/adapter --prompts p.jsonl --out o.jsonl
    """
    from tenpapers.records import read_jsonl

    from ..serving.serve import Prompt, generate_to_file

    written = generate_to_file(
        read_jsonl(prompts, Prompt),
        out,
        load(model, dtype, device),
        adapter=adapter,
        backend=backend,
        max_tokens=max_tokens,
        temperature=temperature,
        scale=scale,
        seed=seed,
        chat=chat_template,
        cache=cache,
    )
    print(f"{written} completions -> {out}")


@app.command()
def reproduce(
    out: OutDir,
    scale: Annotated[str, typer.Option("--scale", help="cpu or paper.")] = "cpu",
    config: Annotated[
        Path | None, typer.Option("--config", help="YAML of the study; replaces the scale's.")
    ] = None,
    data: Data = None,
    model: Annotated[str | None, typer.Option("--model", help="Model spec.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of every choice.")] = None,
    limit: Limit = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Discard what an earlier run left in --out.")
    ] = False,
) -> None:
    """Run the study: baselines, both steps, controls; writes report, table, figure.

    Example: lofit reproduce --scale cpu --out runs/lofit-cpu
    """
    from ..study.reproduce import reproduce as run_study

    run_study(
        out,
        scale=scale,
        config=config,
        data=data,
        model=model,
        seed=seed,
        limit=limit,
        overwrite=overwrite,
    )


def main() -> None:
    """Run the command line."""
    run(app)
