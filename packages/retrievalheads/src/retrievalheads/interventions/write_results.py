"""Evaluation, knockout and patching of a dataset file; a killed run of the last two goes on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenpapers.errors import UserError
from tenpapers.generation import CompletionCache
from tenpapers.journal import Journal, RowLog, known_by
from tenpapers.models import AttentionLayout
from tenpapers.records import read_json, write_json

from ..decoding.answers import Evaluation, evaluate, evaluate_vllm, logged
from ..heads.head_sets import head_list, ranked
from ..heads.overlap import require_same_base
from ..heads.score_files import HeadScores
from ..inputs.number_lists import whole_numbers
from ..inputs.token_spans import encode_prompt
from ..records import Example, load_examples, without_nan
from ..scoring.example_rows import ExampleRows
from ..training.adapter_folder import tuned_identity
from ..training.tuned_model import load_base, load_chosen, longest, require_fit
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


def evaluate_key(settings: EvaluateSettings) -> dict[str, Any]:
    """What an evaluation depends on; heads that are off by themselves, wherever they were named.

    Raises
    ------
    UserError : heads that vLLM would have to edit, see `knocked_heads`.
    """
    if settings.engine == "vllm" and settings.knockout:
        raise UserError("--knockout: vLLM's heads cannot be edited", "use --engine hf")
    heads = knocked_heads(settings.knockout) if settings.knockout else []
    return settings.key("evaluate") | {"knockout": heads}


def evaluate_into(
    journal: Journal, data: Path, settings: EvaluateSettings, *, use_cache: bool = True
) -> Evaluation:
    """Answer greedily and grade; writes `predictions.jsonl` and `metrics.json`.

    Parameters
    ----------
    journal : of the folder; what an earlier run has answered is not asked again.

    Raises
    ------
    UserError : wrong data, heads that the model does not have.
    """
    examples = load_examples(data, limit=settings.max_examples)
    with journal.rows("predictions.jsonl") as log:
        found = _evaluated(examples, settings, use_cache, log)
        log.close([example.id for example in examples])
    write_json(journal.file("metrics.json"), without_nan(found.metrics))
    return found


def _evaluated(
    examples: Sequence[Example], settings: EvaluateSettings, use_cache: bool, log: RowLog
) -> Evaluation:
    if not log.missing(examples):
        return logged(examples, log)
    if settings.engine == "vllm":
        model = settings.model
        spec = model if model.startswith("vllm:") else f"vllm:{model.removeprefix('hf:')}"
        return evaluate_vllm(spec, examples, settings.adapter, log)
    lm = load_chosen(settings)
    if not settings.knockout:
        # The cache knows models by their weights, not by a base that --rope changes.
        store = CompletionCache() if use_cache and settings.rope == "none" else None
        return evaluate(lm, examples, cache=store, log=log, progress=True)
    share = settings.scope == "all"
    try:
        with knockout(lm.model, knocked_heads(settings.knockout), settings.kind, settings.scope):
            return evaluate(lm, examples, share_prefix=share, log=log, progress=True)
    except ValueError as error:
        raise UserError(f"--knockout: {error}") from None


KNOCKED, PATCHED = "knockout.json", "patch.json"


def knockout_into(
    journal: Journal, data: Path, scores: Path, settings: KnockoutSettings
) -> dict[str, Any]:
    """Switch off the top k heads and k random ones; writes `knockout.json` and gives its content.

    Parameters
    ----------
    journal : of the folder; examples that an earlier run has answered are not answered again.
    scores : head-score file of the model.

    Raises
    ------
    UserError : wrong data, scores of another model, too few heads for a k.
    """
    if journal.done(KNOCKED):
        done: dict[str, Any] = read_json(journal.file(KNOCKED))
        return done
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
    require_same_weights(known, scores, lm.weights)
    require_fit(lm, longest(lm, examples), str(data))
    means = None
    if settings.kind == "mean":
        few = examples[:CALIBRATION]
        prompts = [encode_prompt(lm.tokenizer, example.prompt)[0] for example in few]
        means = mean_outputs(lm.model, prompts)
    with journal.rows(f"{KNOCKED}.partial.jsonl") as log:
        results = sweep(
            lm.model,
            lm.tokenizer,
            examples,
            arms,
            kind=settings.kind,
            scope=settings.scope,
            means=means,
            answers=settings.answers,
            kept=ExampleRows(log),
            progress=True,
        )
    content = {
        "kind": settings.kind,
        "scope": settings.scope,
        "n": len(examples),
        "rows": sweep_rows(results),
    }
    return write_once(journal, KNOCKED, content)


def write_once(journal: Journal, name: str, content: dict[str, Any]) -> dict[str, Any]:
    """Write a result as the end of the stage of its name, and drop what served to go on."""
    write_json(journal.file(name), without_nan(content))
    journal.finish(name)
    journal.drop(f"{name}.partial.jsonl")
    return content


def require_shape(model: PreTrainedModel, scores: HeadScores, file: Path) -> None:
    """Refuse scores of a model with other layers or heads.

    Raises
    ------
    UserError : the numbers of layers or heads differ.
    """
    shape = AttentionLayout.from_model(model).geometry
    if (shape.n_layers, shape.n_heads) != (scores.n_layers, scores.n_heads):
        raise UserError(
            f"{file}: {scores.n_layers} x {scores.n_heads} heads, the model has "
            f"{shape.n_layers} x {shape.n_heads}"
        )


def require_same_weights(scores: HeadScores, file: Path, weights: str) -> None:
    """Refuse scores that are known to be of another model, or of another tuning of it.

    Raises
    ------
    UserError : the scores name other weights.
    """
    if scores.identity and weights and scores.identity != weights:
        tuned = f" with {scores.adapter}" if scores.adapter else ""
        raise UserError(
            f"{file}: scores of other weights: {scores.model}{tuned}, as that was then",
            "score the heads of this model with `detect`",
        )


@dataclass(frozen=True)
class PatchedPair:
    """Two adapters that `train` wrote, and the head-score file of each."""

    target: Path
    source: Path
    target_scores: Path
    source_scores: Path

    def key(self, settings: PatchSettings) -> dict[str, Any]:
        """What a patching depends on besides its input files."""
        pair = {"target": self.target, "source": self.source}
        known = {name: known_by(str(path), tuned_identity(path)) for name, path in pair.items()}
        return settings.key("patch") | known


def patch_into(
    journal: Journal, data: Path, pair: PatchedPair, settings: PatchSettings
) -> dict[str, Any]:
    """Put the source's activations into the target; writes `patch.json` and gives its content.

    Parameters
    ----------
    journal : of the folder; what an earlier run has answered is not answered again.

    Raises
    ------
    UserError : wrong data, adapters or scores that do not belong to one base.
    """
    if journal.done(PATCHED):
        done: dict[str, Any] = read_json(journal.file(PATCHED))
        return done
    mine, real = HeadScores.load(pair.target_scores), HeadScores.load(pair.source_scores)
    try:
        require_same_base(real, mine, allow=settings.allow_different_base)
    except ValueError as error:
        raise UserError(f"{pair.target_scores} and {pair.source_scores}: {error}") from None
    examples = load_examples(data, limit=settings.max_examples)
    base = load_base(
        settings.model, settings.dtype, settings.device, o_proj_pattern=settings.o_proj_pattern
    )
    for scores, file, adapter in (
        (mine, pair.target_scores, pair.target),
        (real, pair.source_scores, pair.source),
    ):
        require_same_weights(scores, file, f"{base.weights}+{tuned_identity(adapter)}")
    lm = two_adapters(base, pair.target, pair.source)
    require_fit(lm, longest(lm, examples), str(data))
    with journal.rows(f"{PATCHED}.partial.jsonl") as log:
        found = patch_study(
            lm,
            examples,
            mine.mean,
            real.mean,
            positions=settings.positions,
            match_size=settings.match_size,
            seed=settings.seed,
            kept=ExampleRows(log),
            progress=True,
            **settings.arguments(),
        )
    return write_once(journal, PATCHED, found)
