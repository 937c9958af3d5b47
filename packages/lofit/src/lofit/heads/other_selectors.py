"""Other ways to choose heads, each followed by the same step 2 (the paper's table 2)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from tenpapers.models import AttentionLayout, Head, HeadGeometry

from ..inputs.encoding import Encoding, Examples, encode
from ..records import ContrastItem, SelectConfig, Selector
from .activations import head_activations
from .probes import Statements, fit_probes, probe_accuracy, rank_by_probe
from .ranking import HeadRanking, rank_heads
from .select import select_on_tokens

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def random_heads(geometry: HeadGeometry, seed: int) -> HeadRanking:
    """All heads in an order drawn by seed; the first K are a uniform draw without replacement."""
    heads = [Head(i, j) for i in range(geometry.n_layers) for j in range(geometry.n_heads)]
    random.Random(seed).shuffle(heads)
    scores = np.zeros((geometry.n_layers, geometry.n_heads))
    for rank, head in enumerate(heads):
        scores[head] = len(heads) - rank
    return HeadRanking(scores, heads, "random", details={"seed": seed})


def probed_heads(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    items: Sequence[ContrastItem],
    *,
    by_layer: bool,
    seed: int,
    chat: bool = False,
) -> HeadRanking:
    """Heads by the accuracy of probes on right and wrong answers.

    By head this is ITI's ranking. By layer a probe sees all heads of a layer at once, and all heads
    of the best layer come first, then those of the next.
    """
    import torch

    statements = Statements(tokenizer, items, chat=chat)
    activations = head_activations(model, statements.ids)
    train, val = statements.split(seed)
    if not by_layer:
        accuracy, _ = rank_by_probe(activations, statements.labels, train, val)
        return HeadRanking(accuracy, rank_heads(accuracy), "probe")
    by_layer_state = activations.flatten(2)  # (statements, layers, heads * head_dim)
    targets = torch.tensor(statements.labels)
    probes = fit_probes(by_layer_state[train], targets[train])
    found = probe_accuracy(probes, by_layer_state[val], targets[val]).numpy()
    scores = np.repeat(found[:, None], activations.shape[2], axis=1)
    return HeadRanking(scores, rank_heads(scores), "layer-probe")


def rank_by(
    method: Selector,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    dataset: Examples,
    contrast: Sequence[ContrastItem],
    *,
    config: SelectConfig,
    state: Path | None = None,
    encoding: Encoding | None = None,
) -> HeadRanking:
    """Rank heads by any method.

    Parameters
    ----------
    dataset : what step 1 is trained on ("lofit", "bias").
    contrast : labelled statements for the probes ("probe", "layer-probe").
    state : folder in which a killed run leaves what it needs to go on.

    Raises
    ------
    UserError : what the method needs is not there.
    """
    how = encoding or Encoding()
    if method == "random":
        return random_heads(AttentionLayout.from_model(model).geometry, config.seed)
    if method in ("probe", "layer-probe"):
        by_layer = method == "layer-probe"
        return probed_heads(
            model, tokenizer, contrast, by_layer=by_layer, seed=config.seed, chat=how.chat
        )
    encoded = encode(tokenizer, dataset, how)
    component: Literal["offset", "scale"] = "offset" if method == "bias" else "scale"
    return select_on_tokens(model, encoded, config, state=state, component=component)
