"""Step 1: which heads. Scales on every head, an L1 penalty, and the norms (section 3.2)."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tenpapers.models import AttentionLayout

from ..heads.edits import OffsetHeads, ScaleHeads
from ..inputs.encoding import encode
from ..records import FitConfig, PreferencePair, SelectConfig, SFTExample, TokenPair, TokenSequence
from ..training.loop import fit, frozen
from ..training.losses import make_objective
from ..training.supervised_forward import SupervisedForward
from .ranking import HeadRanking, rank_heads, scale_scores

Examples = Sequence[SFTExample] | Sequence[PreferencePair]


def first_values(shape: tuple[int, ...], config: FitConfig, device: Any) -> Any:
    """A float32 leaf with values from N(0, init_std^2), drawn on the CPU from the seed."""
    import torch

    draw = torch.Generator().manual_seed(config.seed)
    values = torch.randn(shape, generator=draw) * config.init_std
    return values.to(device).requires_grad_(True)


def select_heads(
    model: Any,
    tokenizer: Any,
    dataset: Examples,
    config: SelectConfig | None = None,
    *,
    layout: AttentionLayout | None = None,
    state: Path | None = None,
    **encoding: Any,
) -> HeadRanking:
    """Learn a scaling vector on the output of every head and rank heads by its norm.

    Parameters
    ----------
    dataset : SFT examples (cross-entropy) or preference pairs (DPO).
    config : the defaults are the paper's for Llama-2-7B on TruthfulQA.
    layout : where the heads are; found by the model's type if not given.
    state : folder in which a killed run leaves what it needs to go on.
    encoding : see `encoding.encode`.

    Returns
    -------
    All heads in falling order of the norm, with the scales A themselves.

    Raises
    ------
    UserError : no data, an example without a supervised token, an unsupported model.
    """
    config = config or SelectConfig()
    encoded = encode(tokenizer, dataset, **encoding)
    return select_on_tokens(model, encoded, config, layout=layout, state=state)


def select_on_tokens(
    model: Any,
    encoded: Sequence[TokenSequence] | Sequence[TokenPair],
    config: FitConfig,
    *,
    layout: AttentionLayout | None = None,
    state: Path | None = None,
    component: str = "scale",
) -> HeadRanking:
    """Step 1 on token ids; `component` "offset" is the ablation that trains offsets instead."""
    layout = layout or AttentionLayout.from_model(model)
    shape = layout.geometry
    whole = (shape.n_layers, shape.n_heads, shape.head_dim)
    heads = layout.all_heads()
    kept = whole if component == "scale" else (len(heads), shape.head_dim)
    values = first_values(kept, config, model.device)
    with frozen(model):
        objective = make_objective(SupervisedForward(model), encoded, config.beta)
        objective.prepare()
        if component == "scale":
            hooks: ScaleHeads | OffsetHeads = ScaleHeads(layout, values)
        else:
            hooks = OffsetHeads(layout, heads, values)
        with hooks:
            log = fit(
                {component: values},
                objective,
                config,
                label=f"step 1 ({component}s)",
                state=state,
                identity=f"{component} {model.config.name_or_path}",
            )
    learned = values.detach().cpu()
    if component == "offset":
        learned = learned.new_zeros(whole)
        for head, value in zip(heads, values.detach().cpu(), strict=True):
            learned[head] = value
    scores = scale_scores(learned)
    details = {
        "config": asdict(config),
        "trainable": log.trainable,
        "losses": [round(loss, 6) for loss in log.losses],
        "l1_against_clip": config.l1 * values.numel() ** 0.5,
        "truncated": sum(_truncated(one) for one in encoded),
    }
    method = "lofit" if component == "scale" else "bias"
    return HeadRanking(scores, rank_heads(scores), method, learned, details)


def _truncated(encoded: TokenSequence | TokenPair) -> bool:
    if isinstance(encoded, TokenPair):
        return encoded.chosen.truncated
    return encoded.truncated
