"""Step 1: which heads. Scales on every head, an L1 penalty, and the norms of what was learned."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tenpapers.models import AttentionLayout

from ..inputs.encoding import Encoding, Examples, encode, remarks
from ..records import FitConfig, SelectConfig, TokenPair, TokenSequence
from ..training.loop import fit, frozen
from ..training.losses import make_objective
from ..training.supervised_forward import SupervisedForward, input_device
from .edits import OffsetHeads, ScaleHeads
from .ranking import HeadRanking, rank_heads, scale_scores

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


logger = logging.getLogger(__name__)


def first_values(shape: tuple[int, ...], config: FitConfig, device: torch.device) -> Tensor:
    """A float32 leaf with values from N(0, init_std^2), drawn on the CPU from the seed."""
    import torch

    draw = torch.Generator().manual_seed(config.seed)
    values = torch.randn(shape, generator=draw) * config.init_std
    return values.to(device).requires_grad_(True)


def select_heads(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    dataset: Examples,
    config: SelectConfig | None = None,
    *,
    layout: AttentionLayout | None = None,
    state: Path | None = None,
    max_length: int | None = None,
    chat: bool = False,
    eos_token: str | None = None,
) -> HeadRanking:
    """Learn a scaling vector on the output of every head and rank heads by its norm.

    Parameters
    ----------
    dataset : SFT examples (cross-entropy) or preference pairs (DPO).
    config : the defaults are the paper's for Llama-2-7B on TruthfulQA.
    layout : where the heads are; found by the model's type if not given.
    state : folder in which a killed run leaves what it needs to go on.
    max_length, chat, eos_token : see `inputs.encoding.Encoding`.

    Returns
    -------
    All heads in falling order of the norm, with the scales A themselves.

    Raises
    ------
    UserError : no data, an example without a supervised token, an unsupported model.
    """
    how = Encoding(max_length, chat, eos_token)
    encoded = encode(tokenizer, dataset, how)
    for remark in remarks(tokenizer, dataset, encoded, how):
        logger.warning("%s", remark)
    return select_on_tokens(model, encoded, config or SelectConfig(), layout=layout, state=state)


def select_on_tokens(
    model: PreTrainedModel,
    encoded: Sequence[TokenSequence] | Sequence[TokenPair],
    config: FitConfig,
    *,
    layout: AttentionLayout | None = None,
    state: Path | None = None,
    component: Literal["scale", "offset"] = "scale",
) -> HeadRanking:
    """Step 1 on token ids; `component` "offset" is the ablation that trains offsets instead."""
    layout = layout or AttentionLayout.from_model(model)
    shape = layout.geometry
    whole = (shape.n_layers, shape.n_heads, shape.head_dim)
    heads = layout.all_heads()
    trained = whole if component == "scale" else (len(heads), shape.head_dim)
    values = first_values(trained, config, input_device(model))
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
        "truncated": sum(_truncated(example) for example in encoded),
    }
    method = "lofit" if component == "scale" else "bias"
    return HeadRanking(scores, rank_heads(scores), method, learned, details)


def _truncated(encoded: TokenSequence | TokenPair) -> bool:
    if isinstance(encoded, TokenPair):
        return encoded.chosen.truncated
    return encoded.truncated
