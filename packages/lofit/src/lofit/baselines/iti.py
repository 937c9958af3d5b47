"""Inference-time intervention: probes choose the heads, class means give the direction."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tenpapers.models import AttentionLayout, Head

from ..heads.activations import head_activations
from ..heads.probes import Statements, rank_by_probe
from ..heads.ranking import HeadRanking, check_k, rank_heads
from ..inputs.encoding import Encoding, answer_ids, completion_ids, prompt_ids
from ..offsets.adapter import LofitAdapter
from ..records import ContrastItem, Direction

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    Activations = Float[Tensor, "statements layers heads head_dim"]

# Questions whose activations give the standard deviation along a direction.
TUNING = 64


def directions(
    activations: Activations,
    labels: Sequence[int],
    kind: Direction,
    probes: Float[Tensor, "probes head_dim+1"] | None = None,
    seed: int = 42,
) -> Float[Tensor, "layers heads head_dim"]:
    """Unit vector of every head.

    "mass-mean" is mean(true) - mean(false), "probe" the probe's weights, "random" a control.
    """
    import torch

    n_layers, n_heads, width = activations.shape[1:]
    if kind == "probe":
        assert probes is not None, "the direction of probes needs them"
        vectors = probes[:, :-1].view(n_layers, n_heads, width).float()
    elif kind == "random":
        draw = torch.Generator().manual_seed(seed)
        vectors = torch.randn((n_layers, n_heads, width), generator=draw)
    else:
        true = torch.tensor(list(labels), dtype=torch.bool)
        vectors = activations[true].mean(0) - activations[~true].mean(0)
    return vectors / vectors.norm(dim=-1, keepdim=True).clamp(min=1e-12)


def fit_iti(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    items: Sequence[ContrastItem],
    *,
    k: int = 48,
    alpha: float = 15.0,
    direction: Direction = "mass-mean",
    all_positions: bool = False,
    seed: int = 42,
    chat: bool = False,
    batch_size: int = 16,
    progress: bool = False,
) -> tuple[LofitAdapter, HeadRanking]:
    """Make the vectors alpha * sigma * theta of the `k` heads whose probes are most accurate.

    theta is the head's direction, sigma the standard deviation of activations along it.

    Parameters
    ----------
    items : labelled answers of the development questions.
    k, alpha : number of heads and strength; 48 and 15 are the authors' defaults.
    direction : see `directions`.
    all_positions : edit every token, which can be merged; the paper's ITI edits the last token in
        generation and the tokens from the answer on in multiple choice.

    Returns
    -------
    An adapter of component "offset", and the ranking by probe accuracy.

    Raises
    ------
    UserError : no statements, or `k` out of range.
    """
    import torch

    layout = AttentionLayout.from_model(model)
    check_k(k, layout.geometry.n_layers * layout.geometry.n_heads, len(layout.all_heads()))
    statements = Statements(tokenizer, items, chat=chat)
    activations = head_activations(
        model, statements.ids, layout=layout, batch_size=batch_size, progress=progress
    )
    train, val = statements.split(seed)
    accuracy, probes = rank_by_probe(activations, statements.labels, train, val)
    ranking = HeadRanking(accuracy, rank_heads(accuracy), "probe")
    theta = directions(activations, statements.labels, direction, probes, seed)
    heads = [Head(*head) for head in ranking.top(k)]
    tuning = _tuning_activations(
        model, tokenizer, items, layout, chat=chat, seed=seed, batch_size=batch_size
    )
    vectors = [head_vector(tuning[:, i, j], theta[i, j], alpha=alpha) for i, j in heads]
    adapter = LofitAdapter.for_model(
        model.config,
        heads,
        torch.stack(vectors).float(),
        method="iti",
        positions="all" if all_positions else "last",
        scores=[float(accuracy[head]) for head in heads],
        train={"k": k, "alpha": alpha, "direction": direction, "seed": seed},
    )
    return adapter, ranking


def head_vector(
    activations: Float[Tensor, "texts head_dim"],
    direction: Float[Tensor, " head_dim"],
    *,
    alpha: float,
) -> Float[Tensor, " head_dim"]:
    """alpha * sigma * theta of one head; sigma is the deviation of activations along theta."""
    sigma = (activations @ direction).std()
    return alpha * sigma * direction


def _tuning_activations(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    items: Sequence[ContrastItem],
    layout: AttentionLayout,
    *,
    chat: bool,
    seed: int,
    batch_size: int,
) -> Activations:
    """Activations at the end of right answers that are followed by another question, drawn."""
    draw = random.Random(seed)
    sequences = []
    for item in items[:TUNING]:
        prompt = prompt_ids(tokenizer, item.prompt, chat=chat)
        other = draw.choice(items)
        follow = completion_ids(tokenizer, f"\n{other.prompt}")
        for text in item.positive[:1]:
            answer = answer_ids(tokenizer, text, item.prompt, Encoding(chat=chat))
            sequences.append(prompt + answer + follow)
    return head_activations(model, sequences, layout=layout, batch_size=batch_size)
