"""Inference-time intervention: probes choose the heads, class means give the direction."""

import random
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from tenpapers.errors import UserError
from tenpapers.models import AttentionLayout, Head

from ..heads.activations import head_activations
from ..heads.probes import fit_probes, probe_accuracy
from ..heads.ranking import HeadRanking, check_k, rank_heads
from ..inputs.encoding import completion_ids, prompt_ids
from ..offsets.adapter import LofitAdapter
from ..records import ContrastItem

# Questions whose activations give the standard deviation along a direction.
TUNING = 64

Direction = Literal["mass-mean", "probe", "random"]


class Statements:
    """Labelled statements (prompt and answer) as token ids, with the question each belongs to."""

    def __init__(self, tokenizer: Any, items: Sequence[ContrastItem], *, chat: bool = False):
        if not items:
            raise UserError("no labelled statements (no contrast between right and wrong answers)")
        self.ids: list[list[int]] = []
        self.labels: list[int] = []
        self.owner: list[int] = []
        for number, item in enumerate(items):
            head = prompt_ids(tokenizer, item.prompt, chat=chat)
            for label, texts in ((1, item.positive), (0, item.negative)):
                for text in texts:
                    self.ids.append(head + completion_ids(tokenizer, text))
                    self.labels.append(label)
                    self.owner.append(number)

    def split(self, seed: int, share: float = 0.8) -> tuple[np.ndarray, np.ndarray]:
        """Places of the statements of 80 % of the questions, and of the others."""
        questions = sorted(set(self.owner))
        random.Random(seed).shuffle(questions)
        first = set(questions[: max(1, int(share * len(questions)))])
        inside = np.array([owner in first for owner in self.owner])
        rest = np.flatnonzero(~inside)
        places = np.flatnonzero(inside)
        return places, rest if len(rest) else places


def rank_by_probe(
    activations: Any, labels: Sequence[int], train: np.ndarray, val: np.ndarray
) -> tuple[np.ndarray, Any]:
    """Validation accuracy of each head's probe, and the probes.

    Parameters
    ----------
    activations : float32, shape (N, n_layers, n_heads, head_dim).

    Returns
    -------
    (accuracy, shape (n_layers, n_heads); weights and intercept, shape (L * H, head_dim + 1)).
    """
    import torch

    n_layers, n_heads = activations.shape[1:3]
    flat = activations.flatten(1, 2)
    y = torch.tensor(list(labels))
    weights = fit_probes(flat[train], y[train])
    accuracy = probe_accuracy(weights, flat[val], y[val])
    return accuracy.view(n_layers, n_heads).numpy(), weights


def directions(
    activations: Any, labels: Sequence[int], kind: Direction, weights: Any = None, seed: int = 42
) -> Any:
    """Unit vector of every head, shape (n_layers, n_heads, head_dim).

    "mass-mean" is mean(true) - mean(false), "probe" the probe's weights, "random" a control.
    """
    import torch

    n_layers, n_heads, width = activations.shape[1:]
    if kind == "probe":
        found = weights[:, :-1].view(n_layers, n_heads, width).float()
    elif kind == "random":
        draw = torch.Generator().manual_seed(seed)
        found = torch.randn((n_layers, n_heads, width), generator=draw)
    else:
        y = torch.tensor(list(labels), dtype=torch.bool)
        found = activations[y].mean(0) - activations[~y].mean(0)
    return found / found.norm(dim=-1, keepdim=True).clamp(min=1e-12)


def fit_iti(
    model: Any,
    tokenizer: Any,
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
    layout = AttentionLayout.from_model(model)
    check_k(k, layout.geometry.n_layers * layout.geometry.n_heads, len(layout.all_heads()))
    statements = Statements(tokenizer, items, chat=chat)
    activations = head_activations(
        model, statements.ids, layout=layout, batch_size=batch_size, progress=progress
    )
    train, val = statements.split(seed)
    accuracy, weights = rank_by_probe(activations, statements.labels, train, val)
    ranking = HeadRanking(accuracy, rank_heads(accuracy), "probe")
    theta = directions(activations, statements.labels, direction, weights, seed)
    heads = [Head(*head) for head in ranking.top(k)]
    tuning = _tuning_activations(
        model, tokenizer, items, layout, chat=chat, seed=seed, batch_size=batch_size
    )
    rows = []
    for head in heads:
        along = tuning[:, head.layer, head.head] @ theta[head.layer, head.head]
        rows.append(alpha * along.std() * theta[head.layer, head.head])
    import torch

    adapter = LofitAdapter.for_model(
        model.config,
        heads,
        torch.stack(rows).float(),
        method="iti",
        positions="all" if all_positions else "last",
        scores=[float(accuracy[head]) for head in heads],
        train={"k": k, "alpha": alpha, "direction": direction, "seed": seed},
    )
    return adapter, ranking


def _tuning_activations(
    model: Any,
    tokenizer: Any,
    items: Sequence[ContrastItem],
    layout: AttentionLayout,
    *,
    chat: bool,
    seed: int,
    batch_size: int,
) -> Any:
    """Activations at the end of right answers that are followed by another question, drawn."""
    draw = random.Random(seed)
    sequences = []
    for item in items[:TUNING]:
        head = prompt_ids(tokenizer, item.prompt, chat=chat)
        other = draw.choice(items)
        follow = completion_ids(tokenizer, f"\n{other.prompt}")
        for text in item.positive[:1]:
            sequences.append(head + completion_ids(tokenizer, text) + follow)
    return head_activations(model, sequences, layout=layout, batch_size=batch_size)
