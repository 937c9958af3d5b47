"""Commands that intervene: knockout sweeps, patching between adapters, evaluation without heads."""

from pathlib import Path
from typing import Annotated, Any

import typer
from tenpapers.cli import Cache, Json, Model, OutDir
from tenpapers.errors import UserError

from ..options import (
    Adapter,
    AnyBase,
    ContextTokens,
    Data,
    Device,
    Dtype,
    MaxExamples,
    NonZero,
    Resume,
    Rope,
    Threshold,
    TopK,
    numbers,
    plain,
    say,
    set_rule,
)


def head_list(text: str) -> list[tuple[int, int]]:
    """Heads written as `18-6,23-2`.

    Raises
    ------
    UserError : another form.
    """
    heads = []
    for part in text.split(","):
        layer, dash, head = part.strip().partition("-")
        if not (dash and layer.isdigit() and head.isdigit()):
            raise UserError(f"{part!r}: not a head", "write layer-head, e.g. 18-6,23-2")
        heads.append((int(layer), int(head)))
    return heads


def knocked_heads(text: str) -> list[tuple[int, int]]:
    """Heads of `--knockout`: a list, or the k best of a score file (`scores.json:10`)."""
    file, colon, k = text.rpartition(":")
    if not colon or not k.isdigit():
        return head_list(text)
    from ..heads.score_files import HeadScores, ranked

    order = ranked(HeadScores.load(Path(file)))
    if int(k) > len(order):
        raise UserError(f"--knockout {text}: the file has {len(order)} heads")
    return [(layer, head) for layer, head, _ in order[: int(k)]]


def evaluate(
    data: Data,
    out: OutDir,
    model: Model = "smollm2",
    adapter: Adapter = None,
    engine: Annotated[str, typer.Option("--engine", help="hf or vllm.")] = "hf",
    knocked: Annotated[
        str | None,
        typer.Option("--knockout", help="Heads to switch off: 18-6,23-2 or scores.json:10."),
    ] = None,
    kind: Annotated[str, typer.Option("--kind", help="zero or uniform.")] = "zero",
    scope: Annotated[str, typer.Option("--scope", help="all or decode.")] = "all",
    rope: Rope = "none",
    context_tokens: ContextTokens = None,
    device: Device = None,
    dtype: Dtype = None,
    max_examples: MaxExamples = None,
    use_cache: Cache = True,
    as_json: Json = False,
) -> None:
    """Answer greedily and grade; writes predictions.jsonl and metrics.json.

    Example: retrievalheads evaluate --model smollm2 --data data/mdqa/test.jsonl --out runs/eval
    """
    from tenpapers.generation import CompletionCache
    from tenpapers.records import write_json, write_jsonl

    from ..decoding.answers import evaluate as run_evaluation
    from ..decoding.answers import evaluate_vllm
    from ..interventions.knockout import knockout as knock
    from ..records import load_examples
    from ..study.tables import metrics_text
    from ..training.tuned_model import load_model

    if engine not in ("hf", "vllm"):
        raise UserError(f"--engine {engine}: unknown", "hf or vllm")
    if kind not in ("zero", "uniform") or scope not in ("all", "decode"):
        raise UserError(f"--kind {kind} --scope {scope}: unknown", "zero, uniform; all, decode")
    if engine == "vllm" and knocked:
        raise UserError("--knockout: vLLM's heads cannot be edited", "use --engine hf")
    heads = knocked_heads(knocked) if knocked else []
    examples = load_examples(data, limit=max_examples)
    if engine == "vllm":
        spec = model if model.startswith("vllm:") else f"vllm:{model.removeprefix('hf:')}"
        found = evaluate_vllm(spec, examples, adapter)
    else:
        lm = load_model(
            model, adapter, dtype=dtype, device=device, rope=rope, context=context_tokens
        )
        if heads:
            try:
                with knock(lm.model, heads, kind, scope):  # type: ignore[arg-type]
                    found = run_evaluation(lm, examples, share_prefix=scope == "all", progress=True)
            except ValueError as error:
                raise UserError(f"--knockout: {error}") from None
        else:
            # The cache knows models by their weights, not by a base that --rope changes.
            store = CompletionCache() if use_cache and rope == "none" else None
            found = run_evaluation(lm, examples, cache=store, progress=True)
    write_jsonl(out / "predictions.jsonl", found.predictions)
    write_json(out / "metrics.json", plain(found.metrics))
    say(found.metrics, as_json, f"{metrics_text(found.metrics)}\n-> {out / 'predictions.jsonl'}")


def knockout(
    data: Data,
    out: OutDir,
    scores: Annotated[Path, typer.Option("--scores", help="Head-score file of the model.")],
    model: Model = "smollm2",
    adapter: Adapter = None,
    k: Annotated[str, typer.Option("--k", help="Heads to switch off.")] = "0,5,10,20,30,50,100",
    control_seeds: Annotated[
        int, typer.Option("--control-seeds", help="Random controls a k.", min=0)
    ] = 3,
    kind: Annotated[str, typer.Option("--kind", help="zero, uniform or mean.")] = "zero",
    scope: Annotated[str, typer.Option("--scope", help="all, or decode (Wu et al.).")] = "all",
    match_layers: Annotated[
        bool, typer.Option("--match-layers", help="Controls in the layers of the top heads.")
    ] = False,
    threshold: Threshold = None,
    answers: Annotated[
        bool, typer.Option("--answers/--no-answers", help="Also decode; else token accuracy only.")
    ] = True,
    device: Device = None,
    dtype: Dtype = None,
    max_examples: MaxExamples = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Switch off the top k heads and k random ones; writes knockout.json and the curve.

    Example: retrievalheads knockout --model smollm2 --data test.jsonl --scores scores.json
    --k 0,10,20 --scope decode --out runs/knockout
    """
    from tenpapers.records import write_json
    from tenpapers.report import file_digest

    from ..heads.score_files import HeadScores
    from ..inputs.token_spans import encode_prompt
    from ..interventions.knockout import KINDS, mean_outputs
    from ..interventions.knockout_sweep import settings_for, sweep
    from ..records import load_examples
    from ..study.figures import knockout_figure
    from ..study.resuming import KeptValues, text_digest
    from ..study.tables import knockout_table, sweep_rows
    from ..training.tuned_model import load_model

    if kind not in KINDS or scope not in ("all", "decode"):
        raise UserError(
            f"--kind {kind} --scope {scope}: unknown", f"{', '.join(KINDS)}; all, decode"
        )
    ks = numbers(k, "--k")
    found = HeadScores.load(scores)
    try:
        settings = settings_for(
            found.mean,
            ks,
            range(control_seeds),
            match_layers=match_layers,
            threshold=0.1 if threshold is None else threshold,
        )
    except ValueError as error:
        raise UserError(f"--k {k}: {error}") from None
    examples = load_examples(data, limit=max_examples)
    lm = load_model(model, adapter, dtype=dtype, device=device)
    check_shape(lm.model, found, scores)
    means = None
    if kind == "mean":
        texts = [encode_prompt(lm.tokenizer, example.prompt)[0] for example in examples[:10]]
        means = mean_outputs(lm.model, texts)
    parts = (lm.name, lm.revision, file_digest(data), kind, scope, answers, settings)
    key = text_digest(" ".join(map(str, parts)))
    with KeptValues.beside(out / "knockout.json", key, resume=resume) as kept:
        results = sweep(
            lm.model,
            lm.tokenizer,
            examples,
            settings,
            kind=kind,
            scope=scope,
            means=means,  # type: ignore[arg-type]
            answers=answers,
            kept=kept,
            progress=True,
        )
    rows = sweep_rows(results)
    picture = knockout_figure(rows, out / "knockout.png")
    content = {"kind": kind, "scope": scope, "n": len(examples), "rows": rows}
    write_json(out / "knockout.json", plain(content))
    say(content, as_json, f"{knockout_table(rows, len(examples)).text()}\n-> {picture.path}")


def check_shape(model: Any, scores: Any, file: Path) -> None:
    """Refuse scores of a model with other layers or heads."""
    from ..interventions.knockout import layout_of

    shape = layout_of(model).geometry
    if (shape.n_layers, shape.n_heads) != (scores.n_layers, scores.n_heads):
        raise UserError(
            f"{file}: {scores.n_layers} x {scores.n_heads} heads, the model has "
            f"{shape.n_layers} x {shape.n_heads}"
        )


def patch(
    data: Data,
    out: OutDir,
    target: Annotated[Path, typer.Option("--target", help="Adapter that is patched.")],
    source: Annotated[Path, typer.Option("--source", help="Adapter that gives activations.")],
    target_scores: Annotated[Path, typer.Option("--target-scores", help="Its head scores.")],
    source_scores: Annotated[Path, typer.Option("--source-scores", help="Its head scores.")],
    model: Model = "smollm2",
    positions: Annotated[str, typer.Option("--positions", help="all or decode.")] = "all",
    match_size: Annotated[
        bool, typer.Option("--match-size/--no-match-size", help="As many heads in every arm.")
    ] = True,
    seed: Annotated[int, typer.Option("--seed", help="Of the random arm.")] = 0,
    threshold: Threshold = None,
    top_k: TopK = None,
    nonzero: NonZero = False,
    any_base: AnyBase = False,
    device: Device = None,
    dtype: Dtype = None,
    max_examples: MaxExamples = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Put the source's activations into the target, head by head; writes patch.json.

    Example: retrievalheads patch --model smollm2 --target runs/hh --source runs/real
    --target-scores hh.json --source-scores real.json --data test.jsonl --out runs/patch
    """
    from tenpapers.records import write_json
    from tenpapers.report import file_digest

    from ..heads.overlap import require_same_base
    from ..heads.score_files import HeadScores
    from ..interventions.patching import two_adapters
    from ..interventions.patching_arms import patch_study
    from ..records import load_examples
    from ..study.resuming import KeptValues, text_digest
    from ..study.tables import patch_table
    from ..training.tuned_model import load_base

    if positions not in ("all", "decode"):
        raise UserError(f"--positions {positions}: unknown", "all or decode")
    mine, real = HeadScores.load(target_scores), HeadScores.load(source_scores)
    try:
        require_same_base(real, mine, allow=any_base)
    except ValueError as error:
        raise UserError(f"{target_scores} and {source_scores}: {error}") from None
    examples = load_examples(data, limit=max_examples)
    lm = two_adapters(load_base(model, dtype, device), target, source)
    rule = set_rule(threshold, top_k, nonzero)
    weights = [file_digest(folder / "adapter_model.safetensors") for folder in (target, source)]
    parts = (
        lm.name,
        lm.revision,
        *weights,
        file_digest(data),
        positions,
        match_size,
        seed,
        rule,
        file_digest(target_scores),
        file_digest(source_scores),
    )
    key = text_digest(" ".join(map(str, parts)))
    with KeptValues.beside(out / "patch.json", key, resume=resume) as kept:
        found = patch_study(
            lm,
            examples,
            mine.mean,
            real.mean,
            positions=positions,
            match_size=match_size,  # type: ignore[arg-type]
            seed=seed,
            kept=kept,
            progress=True,
            **rule,
        )
    write_json(out / "patch.json", plain(found))
    say(found, as_json, f"{patch_table([found]).text()}\n-> {out / 'patch.json'}")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(evaluate)
    app.command()(knockout)
    app.command()(patch)
