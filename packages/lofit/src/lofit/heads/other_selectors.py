"""Other ways to choose heads, each followed by the same step 2 (section 6.2 of the spec)."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tenpapers.errors import UserError
from tenpapers.models import AttentionLayout, Head, HeadGeometry

from ..baselines.iti import Statements, rank_by_probe
from ..inputs.encoding import encode
from ..records import ContrastItem, SelectConfig
from .activations import head_activations
from .probes import fit_probes, probe_accuracy
from .ranking import HeadRanking, rank_heads
from .select import Examples, select_heads, select_on_tokens

METHODS = ("lofit", "random", "probe", "layer-probe", "bias")


def random_heads(geometry: HeadGeometry, seed: int) -> HeadRanking:
    """All heads in an order drawn by seed; the first K are a uniform draw without replacement."""
    heads = [Head(i, j) for i in range(geometry.n_layers) for j in range(geometry.n_heads)]
    random.Random(seed).shuffle(heads)
    scores = np.zeros((geometry.n_layers, geometry.n_heads))
    for place, head in enumerate(heads):
        scores[head] = len(heads) - place
    return HeadRanking(scores, heads, "random", details={"seed": seed})


def probed_heads(
    model: Any,
    tokenizer: Any,
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
    statements = Statements(tokenizer, items, chat=chat)
    activations = head_activations(model, statements.ids)
    train, val = statements.split(seed)
    if not by_layer:
        accuracy, _ = rank_by_probe(activations, statements.labels, train, val)
        return HeadRanking(accuracy, rank_heads(accuracy), "probe")
    import torch

    flat = activations.flatten(2)  # (N, n_layers, n_heads * head_dim)
    y = torch.tensor(statements.labels)
    found = probe_accuracy(fit_probes(flat[train], y[train]), flat[val], y[val]).numpy()
    scores = np.repeat(found[:, None], activations.shape[2], axis=1)
    return HeadRanking(scores, rank_heads(scores), "layer-probe")


def rank_by(
    method: str,
    model: Any,
    tokenizer: Any,
    dataset: Examples,
    contrast: Sequence[ContrastItem],
    config: SelectConfig,
    *,
    state: Path | None = None,
    chat: bool = False,
    **encoding: Any,
) -> HeadRanking:
    """Rank heads by any method.

    Raises
    ------
    UserError : unknown method, or what it needs is not there.
    """
    if method == "lofit":
        return select_heads(model, tokenizer, dataset, config, state=state, chat=chat, **encoding)
    if method == "bias":
        encoded = encode(tokenizer, dataset, chat=chat, **encoding)
        return select_on_tokens(model, encoded, config, state=state, component="offset")
    if method == "random":
        return random_heads(AttentionLayout.from_model(model).geometry, config.seed)
    if method in ("probe", "layer-probe"):
        by_layer = method == "layer-probe"
        return probed_heads(
            model, tokenizer, contrast, by_layer=by_layer, seed=config.seed, chat=chat
        )
    raise UserError(f"--method {method}: unknown", f"one of {', '.join(METHODS)}")
