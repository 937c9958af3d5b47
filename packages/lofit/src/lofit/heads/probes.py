"""Logistic regressions on the outputs of every head: which heads tell right answers from wrong."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from tenpapers.errors import UserError

from ..inputs.encoding import Encoding, answer_ids, prompt_ids
from ..records import ContrastItem

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase


class Statements:
    """Labelled statements (prompt and answer) as token ids, with the question each belongs to.

    Raises
    ------
    UserError : no statements at all.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        items: Sequence[ContrastItem],
        *,
        chat: bool = False,
    ) -> None:
        if not items:
            raise UserError("no labelled statements (no contrast between right and wrong answers)")
        self.ids: list[list[int]] = []
        self.labels: list[int] = []
        self.owner: list[int] = []
        how = Encoding(chat=chat)
        for number, item in enumerate(items):
            prompt = prompt_ids(tokenizer, item.prompt, chat=chat)
            for label, texts in ((1, item.positive), (0, item.negative)):
                for text in texts:
                    self.ids.append(prompt + answer_ids(tokenizer, text, item.prompt, how))
                    self.labels.append(label)
                    self.owner.append(number)

    def split(self, seed: int, share: float = 0.8) -> tuple[np.ndarray, np.ndarray]:
        """Indices of the statements of 80 % of the questions, and of the others."""
        questions = sorted(set(self.owner))
        random.Random(seed).shuffle(questions)
        first = set(questions[: max(1, int(share * len(questions)))])
        inside = np.array([owner in first for owner in self.owner])
        train, rest = np.flatnonzero(inside), np.flatnonzero(~inside)
        return train, rest if len(rest) else train


def rank_by_probe(
    activations: Float[Tensor, "statements layers heads head_dim"],
    labels: Sequence[int],
    train: np.ndarray,
    val: np.ndarray,
) -> tuple[np.ndarray, Float[Tensor, "probes head_dim+1"]]:
    """Validation accuracy of each head's probe, and the probes.

    Returns
    -------
    (accuracy, shape (layers, heads); weights and intercept of all heads, layer after layer).
    """
    import torch

    n_layers, n_heads = activations.shape[1:3]
    by_head = activations.flatten(1, 2)
    targets = torch.tensor(list(labels))
    weights = fit_probes(by_head[train], targets[train])
    accuracy = probe_accuracy(weights, by_head[val], targets[val])
    return accuracy.view(n_layers, n_heads).numpy(), weights


def fit_probes(
    x: Float[Tensor, "statements probes width"],
    y: Int[Tensor, " statements"],
    *,
    c: float = 1.0,
    max_iter: int = 100,
    tol: float = 1e-6,
) -> Float[Tensor, "probes width+1"]:
    """Fit one L2-regularised logistic regression a head, scikit-learn's objective.

    Minimises |w|^2 / 2 + c * sum of log-losses, the intercept unpenalised, by damped Newton steps
    (IRLS) in float64 for all heads together.

    Parameters
    ----------
    x : activations, a probe for each head.
    y : labels 0 or 1.

    Returns
    -------
    Weights and intercept, float64.
    """
    import torch

    features = torch.cat([x.double(), x.new_ones(*x.shape[:2], 1).double()], 2).transpose(0, 1)
    target = y.double()[None]
    n_heads, _, width = features.shape
    penalty = torch.ones(width, dtype=torch.float64)
    penalty[-1] = 0.0
    weights = torch.zeros(n_heads, width, dtype=torch.float64)

    def loss(w: Float[Tensor, "probes width+1"]) -> Float[Tensor, " probes"]:
        margin = torch.einsum("pnd,pd->pn", features, w)
        nll = torch.nn.functional.softplus(margin) - target * margin
        return c * nll.sum(1) + 0.5 * (penalty * w**2).sum(1)

    current = loss(weights)
    for _ in range(max_iter):
        chance = torch.einsum("pnd,pd->pn", features, weights).sigmoid()
        gradient = c * torch.einsum("pnd,pn->pd", features, chance - target) + penalty * weights
        if float(gradient.abs().max()) < tol * max(1, len(y)):
            break
        curvature = chance * (1 - chance)
        hessian = c * torch.einsum("pnd,pn,pne->pde", features, curvature, features)
        hessian = hessian + torch.diag(penalty + 1e-9)
        step = torch.linalg.solve(hessian, gradient)
        size = torch.ones(n_heads, 1, dtype=torch.float64)
        for _ in range(20):  # halve the steps of the heads whose loss would rise
            proposed = weights - size * step
            new = loss(proposed)
            worse = new > current + 1e-12
            if not bool(worse.any()):
                break
            size[worse] /= 2
        better = ~worse[:, None]
        weights = torch.where(better, proposed, weights)
        current = torch.where(better[:, 0], new, current)
    return weights


def probe_accuracy(
    weights: Float[Tensor, "probes width+1"],
    x: Float[Tensor, "statements probes width"],
    y: Int[Tensor, " statements"],
) -> Float[Tensor, " probes"]:
    """Share of right labels of each probe, float64."""
    import torch

    margin = torch.einsum("npd,pd->np", x.double(), weights[:, :-1]) + weights[:, -1]
    return ((margin > 0) == (y[:, None] > 0)).double().mean(0)
