"""Step 2: what to add. One offset vector for each chosen head."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tenpapers.models import AttentionLayout

from ..heads.edits import OffsetHeads
from ..heads.ranking import check_heads
from ..heads.select import first_values
from ..inputs.encoding import Encoding, Examples, encode, remarks
from ..records import FitConfig, FitLog, TokenPair, TokenSequence, TuneConfig
from ..training.loop import fit, frozen
from ..training.losses import make_objective
from ..training.supervised_forward import SupervisedForward, input_device
from .adapter import LofitAdapter
from .base_model import known_weights

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


logger = logging.getLogger(__name__)


def tune_offsets(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    dataset: Examples,
    heads: Sequence[tuple[int, int]],
    config: TuneConfig | None = None,
    *,
    layout: AttentionLayout | None = None,
    state: Path | None = None,
    max_length: int | None = None,
    chat: bool = False,
    eos_token: str | None = None,
) -> LofitAdapter:
    """Learn offsets on `heads`; everything else of the model stays bit for bit.

    Parameters
    ----------
    dataset : the data of step 1.
    heads : K heads in falling order of score.
    config : the defaults are the paper's for Llama-2-7B.
    layout, state, max_length, chat, eos_token : as in `select_heads`.

    Returns
    -------
    An adapter with `offset`, float32, shape (K, head_dim).

    Raises
    ------
    UserError : heads that repeat or do not exist, no data, an unsupported model.
    """
    config = config or TuneConfig()
    how = Encoding(max_length, chat, eos_token)
    encoded = encode(tokenizer, dataset, how)
    for remark in remarks(tokenizer, dataset, encoded, how):
        logger.warning("%s", remark)
    adapter, _ = tune_on_tokens(model, encoded, heads, config, layout=layout, state=state)
    return replace(adapter, chat=chat)


def tune_on_tokens(
    model: PreTrainedModel,
    encoded: Sequence[TokenSequence] | Sequence[TokenPair],
    heads: Sequence[tuple[int, int]],
    config: FitConfig,
    *,
    layout: AttentionLayout | None = None,
    state: Path | None = None,
    held_out: Sequence[TokenSequence] | Sequence[TokenPair] = (),
) -> tuple[LofitAdapter, FitLog]:
    """Step 2 on token ids; gives the log of the fit too.

    Parameters
    ----------
    held_out : examples whose loss is logged after every epoch.
    """
    layout = layout or AttentionLayout.from_model(model)
    chosen = check_heads("heads", [tuple(head) for head in heads], layout.geometry)
    offset = first_values((len(chosen), layout.geometry.head_dim), config, input_device(model))
    first = min(head.layer for head in chosen)
    with frozen(model):
        keep = first if config.epochs > 1 else None
        forward = SupervisedForward(model, first_layer=keep)
        objective = make_objective(forward, encoded, config.beta)
        objective.prepare()
        validation = make_objective(forward, held_out, config.beta) if held_out else None
        if validation:
            validation.prepare()
        with OffsetHeads(layout, chosen, offset):
            log = fit(
                {"offset": offset},
                objective,
                config,
                label="step 2 (offsets)",
                state=state,
                identity=f"{chosen} {model.config.name_or_path}",
                validation=validation,
            )
    adapter = LofitAdapter.for_model(
        model.config,
        chosen,
        offset.detach().cpu(),
        base_weights=known_weights(model),
        train=asdict(config),
    )
    return adapter, log
