"""Evaluation, knockout and patching of a dataset file; a killed run of the last two goes on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenpapers.errors import UserError
from tenpapers.generation import CompletionCache
from tenpapers.records import write_json, write_jsonl
from tenpapers.report import file_digest

from ..decoding.answers import Evaluation, evaluate, evaluate_vllm
from ..decoding.base_model import layout_of
from ..heads.head_sets import head_list, ranked
from ..heads.overlap import require_same_base
from ..heads.score_files import HeadScores
from ..inputs.number_lists import whole_numbers
from ..inputs.token_spans import encode_prompt
from ..records import Example, load_examples, without_nan
from ..scoring.kept_scores import KeptValues, text_digest
from ..training.tuned_model import load_base, load_chosen
from .knockout import knockout, mean_outputs
from .knockout_sweep import settings_for, sweep, sweep_rows
from .patching import two_adapters
from .patching_arms import patch_study

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedModel

    from .settings import EvaluateSettings, KnockoutSettings, PatchSettings

CALIBRATION = 10  # prompts over which a head's mean output is taken


def knocked_heads(text: str) -> list[tuple[int, int]]:
    """Heads of `--knockout`: a list, or the k best of a score file (`scores.json:10`).

    Raises
    ------
    UserError : neither, or more heads than the file has.
    """
    file, colon, k = text.rpartition(":")
    if not colon or not k.isdigit():
        return head_list(text)
    order = ranked(HeadScores.load(Path(file)))
    if int(k) > len(order):
        raise UserError(f"--knockout {text}: the file has {len(order)} heads")
    return [(layer, head) for layer, head, _ in order[: int(k)]]


def evaluate_into(
    out: Path, data: Path, settings: EvaluateSettings, *, use_cache: bool = True
) -> Evaluation:
    """Answer greedily and grade; writes `predictions.jsonl` and `metrics.json`.

    Raises
    ------
    UserError : wrong data, heads that the model does not have or that vLLM would have to edit.
    """
    if settings.engine == "vllm" and settings.knockout:
        raise UserError("--knockout: vLLM's heads cannot be edited", "use --engine hf")
    heads = knocked_heads(settings.knockout) if settings.knockout else []
    examples = load_examples(data, limit=settings.max_examples)
    if settings.engine == "vllm":
        model = settings.model
        spec = model if model.startswith("vllm:") else f"vllm:{model.removeprefix('hf:')}"
        found = evaluate_vllm(spec, examples, settings.adapter)
    else:
        found = _evaluate_in_process(examples, settings, heads, use_cache)
    write_jsonl(out / "predictions.jsonl", found.predictions)
    write_json(out / "metrics.json", without_nan(found.metrics))
    return found


def _evaluate_in_process(
    examples: Sequence[Example],
    settings: EvaluateSettings,
    heads: Sequence[tuple[int, int]],
    use_cache: bool,
) -> Evaluation:
    lm = load_chosen(settings)
    if not heads:
        # The cache knows models by their weights, not by a base that --rope changes.
        store = CompletionCache() if use_cache and settings.rope == "none" else None
        return evaluate(lm, examples, cache=store, progress=True)
    try:
        with knockout(lm.model, heads, settings.kind, settings.scope):
            return evaluate(lm, examples, share_prefix=settings.scope == "all", progress=True)
    except ValueError as error:
        raise UserError(f"--knockout: {error}") from None


def knockout_into(
    out: Path, data: Path, scores: Path, settings: KnockoutSettings, *, resume: bool = False
) -> dict[str, Any]:
    """Switch off the top k heads and k random ones; writes `knockout.json` and gives its content.

    Parameters
    ----------
    scores : head-score file of the model.
    resume : go on with what a killed run of the same settings has answered.

    Raises
    ------
    UserError : wrong data, scores of another model, too few heads for a k.
    """
    ks = whole_numbers(settings.k, "--k")
    known = HeadScores.load(scores)
    try:
        arms = settings_for(
            known.mean,
            ks,
            range(settings.control_seeds),
            match_layers=settings.match_layers,
            threshold=settings.threshold,
        )
    except ValueError as error:
        raise UserError(f"--k {settings.k}: {error}") from None
    examples = load_examples(data, limit=settings.max_examples)
    lm = load_chosen(settings)
    require_shape(lm.model, known, scores)
    means = None
    if settings.kind == "mean":
        few = examples[:CALIBRATION]
        prompts = [encode_prompt(lm.tokenizer, example.prompt)[0] for example in few]
        means = mean_outputs(lm.model, prompts)
    how = (settings.kind, settings.scope, settings.answers)
    key = text_digest(" ".join(map(str, (lm.identity, file_digest(data), *how, arms))))
    with KeptValues.beside(out / "knockout.json", key, resume=resume) as kept:
        results = sweep(
            lm.model,
            lm.tokenizer,
            examples,
            arms,
            kind=settings.kind,
            scope=settings.scope,
            means=means,
            answers=settings.answers,
            kept=kept,
            progress=True,
        )
    content = {
        "kind": settings.kind,
        "scope": settings.scope,
        "n": len(examples),
        "rows": sweep_rows(results),
    }
    write_json(out / "knockout.json", without_nan(content))
    return content


def require_shape(model: PreTrainedModel, scores: HeadScores, file: Path) -> None:
    """Refuse scores of a model with other layers or heads.

    Raises
    ------
    UserError : the numbers of layers or heads differ.
    """
    shape = layout_of(model).geometry
    if (shape.n_layers, shape.n_heads) != (scores.n_layers, scores.n_heads):
        raise UserError(
            f"{file}: {scores.n_layers} x {scores.n_heads} heads, the model has "
            f"{shape.n_layers} x {shape.n_heads}"
        )


def patch_into(
    out: Path,
    data: Path,
    settings: PatchSettings,
    *,
    target: Path,
    source: Path,
    target_scores: Path,
    source_scores: Path,
    resume: bool = False,
) -> dict[str, Any]:
    """Put the source's activations into the target; writes `patch.json` and gives its content.

    Parameters
    ----------
    target, source : adapters that `train` wrote.
    target_scores, source_scores : their head-score files.
    resume : go on with what a killed run of the same settings has answered.

    Raises
    ------
    UserError : wrong data, adapters or scores that do not belong to one base.
    """
    mine, real = HeadScores.load(target_scores), HeadScores.load(source_scores)
    try:
        require_same_base(real, mine, allow=settings.allow_different_base)
    except ValueError as error:
        raise UserError(f"{target_scores} and {source_scores}: {error}") from None
    examples = load_examples(data, limit=settings.max_examples)
    base = load_base(settings.model, settings.dtype, settings.device)
    lm = two_adapters(base, target, source)
    rule = settings.arguments()
    weights = [file_digest(folder / "adapter_model.safetensors") for folder in (target, source)]
    how = (settings.positions, settings.match_size, settings.seed, rule)
    scored = (file_digest(target_scores), file_digest(source_scores))
    parts = (lm.identity, *weights, file_digest(data), *how, *scored)
    key = text_digest(" ".join(map(str, parts)))
    with KeptValues.beside(out / "patch.json", key, resume=resume) as kept:
        found = patch_study(
            lm,
            examples,
            mine.mean,
            real.mean,
            positions=settings.positions,
            match_size=settings.match_size,
            seed=settings.seed,
            kept=kept,
            progress=True,
            **rule,
        )
    write_json(out / "patch.json", without_nan(found))
    return found
