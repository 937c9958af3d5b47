"""SunGen: a weight for every synthetic row, learned so that a robust loss falls (Gao et al.)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from tenpapers.records import write_jsonl

from ..records import Generation, read_rows
from .baseline_run import BaselineRun
from .student_vectors import LOG_ZERO, number_within_label, texts_of

if TYPE_CHECKING:
    import torch
    from jaxtyping import Bool, Float, Int

WORD = re.compile(r"\w+")
VOCABULARY, WIDTH, HIDDEN, LONGEST = 8000, 64, 64, 64
INNER_LR, OUTER_LR = 1e-3, 0.25


def sungen(run: BaselineRun) -> dict[str, Any]:
    """Zero-shot rows, twice as many as asked for, resampled by their weights without replacement.

    All rows stay beside the output in `*.pool.jsonl`, each chosen one has its `weight`.
    """
    settings, labels = run.settings, list(run.task.labels)
    out, pool = run.journal.file(run.name), run.out.with_name(f"{run.out.stem}.pool.jsonl")
    counts = run.zero_shot(pool.name, 2 * settings.per_label)
    rows = texts_of(pool, run.task)
    numbers = np.array([labels.index(row.label) for row in rows])
    weights = learn_weights([row.text for row in rows], numbers, len(labels), seed=settings.seed)
    by_id = {generation.id: generation for generation in read_rows(pool, Generation)}
    kept = [
        by_id[rows[index].id.rpartition("###")[0]].model_copy(
            update={"weight": float(weights[index])}
        )
        for index in resampled(numbers, weights, settings.per_label, seed=settings.seed)
    ]
    write_jsonl(out, kept)
    return counts | {"pool": len(rows), "kept": len(kept)}


def resampled(
    labels: Int[np.ndarray, " n"], weights: Float[np.ndarray, " n"], per_label: int, *, seed: int
) -> list[int]:
    """Rows of every label drawn without replacement, by weight."""
    rng = np.random.default_rng(seed)
    chosen: list[int] = []
    for number in sorted(set(labels.tolist())):
        same_label = np.flatnonzero(labels == number)
        share = weights[same_label] + 1e-6
        size = min(per_label, len(same_label))
        drawn = rng.choice(same_label, size=size, replace=False, p=share / share.sum())
        chosen += sorted(drawn.tolist())
    return chosen


def learn_weights(
    texts: Sequence[str],
    labels: Int[np.ndarray, " n"],
    n_labels: int,
    *,
    seed: int = 42,
    rounds: int = 10,
    inner_steps: int = 20,
    batch: int = 64,
) -> Float[np.ndarray, " n"]:
    """Weights between 0 and 1 by bilevel optimisation, float64 [N].

    Inner: a small LSTM learns with the weighted cross-entropy. Outer: the reverse cross-entropy
    of a synthetic validation part (every fourth row of a label), after one look-ahead step of the
    LSTM, moves the weights. Validation rows keep the mean weight of their label's others.
    """
    import torch

    torch.manual_seed(seed)
    words = word_numbers(texts)
    tokens, target = torch.tensor(words), torch.tensor(labels)
    model = _reader(n_labels, int(words.max()) + 1)
    weights = torch.full((len(texts),), 0.5, requires_grad=True)
    inner = torch.optim.Adam(model.parameters(), lr=INNER_LR)
    outer = torch.optim.Adam([weights], lr=OUTER_LR)
    held = number_within_label(labels) % 4 == 3
    if held.all() or not held.any():
        return np.full(len(texts), 0.5)
    train, valid = torch.tensor(np.flatnonzero(~held)), torch.tensor(np.flatnonzero(held))
    source = torch.Generator().manual_seed(seed)

    def some(rows: Int[torch.Tensor, " n"]) -> Int[torch.Tensor, " batch"]:
        return rows[torch.randperm(len(rows), generator=source)[:batch]]

    for _ in range(rounds):
        for _ in range(inner_steps):
            rows = some(train)
            losses = _losses(model, dict(model.named_parameters()), tokens[rows], target[rows])
            inner.zero_grad()
            (weights[rows].detach() * losses).mean().backward()
            inner.step()
        rows, checks = some(train), some(valid)
        ahead = _one_step_ahead(model, weights[rows], tokens[rows], target[rows])
        logits = torch.func.functional_call(model, ahead, (tokens[checks],))
        (gradient,) = torch.autograd.grad(reverse_cross_entropy(logits, target[checks]), [weights])
        outer.zero_grad()
        weights.grad = gradient
        outer.step()
        with torch.no_grad():
            weights.clamp_(0, 1)
    return with_means(weights.detach().double().numpy(), labels, held)


def reverse_cross_entropy(
    logits: Float[torch.Tensor, "n labels"], target: Int[torch.Tensor, " n"]
) -> Float[torch.Tensor, ""]:
    """Mean of -sum_k p_k ln y_k, where ln 0 is `LOG_ZERO`: robust to wrong labels."""
    right = logits.softmax(-1).gather(1, target[:, None])
    return (-LOG_ZERO * (1 - right)).mean()


def _one_step_ahead(
    model: torch.nn.Module,
    weights: Float[torch.Tensor, " n"],
    tokens: Int[torch.Tensor, "n words"],
    target: Int[torch.Tensor, " n"],
) -> dict[str, torch.Tensor]:
    """Parameters after one step on the weighted loss, as a function of the weights."""
    import torch

    parameters = dict(model.named_parameters())
    loss = (weights * _losses(model, parameters, tokens, target)).mean()
    steps = torch.autograd.grad(loss, list(parameters.values()), create_graph=True)
    return {
        name: value - step for (name, value), step in zip(parameters.items(), steps, strict=True)
    }


def _losses(
    model: torch.nn.Module,
    parameters: Mapping[str, torch.Tensor],
    tokens: Int[torch.Tensor, "n words"],
    target: Int[torch.Tensor, " n"],
) -> Float[torch.Tensor, " n"]:
    import torch

    logits = torch.func.functional_call(model, dict(parameters), (tokens,))
    return torch.nn.functional.cross_entropy(logits, target, reduction="none")


def with_means(
    weights: Float[np.ndarray, " n"], labels: Int[np.ndarray, " n"], held: Bool[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """Weights in which held rows have the mean of their label's other rows."""
    for number in set(labels.tolist()):
        fitted = (labels == number) & ~held
        if fitted.any():
            weights[(labels == number) & held] = weights[fitted].mean()
    return weights


def word_numbers(texts: Sequence[str]) -> Int[np.ndarray, "n words"]:
    """The first words of every text as numbers, 0 for none, 1 for rare ones.

    Returns
    -------
    int64 [N, words of the longest text, at most LONGEST].
    """
    words = [WORD.findall(text.lower())[:LONGEST] for text in texts]
    common = Counter(word for row in words for word in row).most_common(VOCABULARY - 2)
    known = {word: number for number, (word, _) in enumerate(common, 2)}
    longest = max(1, *map(len, words)) if words else 1
    out = np.zeros((len(texts), longest), dtype=np.int64)
    for index, row in enumerate(words):
        out[index, : len(row)] = [known.get(word, 1) for word in row]
    return out


def _reader(n_labels: int, n_words: int) -> torch.nn.Module:
    """An LSTM whose mean state over the words goes through a linear head."""
    from torch import nn

    # Rows of words that do not occur are dropped: they would never change.
    vectors = nn.Embedding(VOCABULARY, WIDTH, padding_idx=0).weight[:n_words].detach().clone()

    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words = nn.Embedding.from_pretrained(vectors, freeze=False, padding_idx=0)
            self.lstm = nn.LSTM(WIDTH, HIDDEN, batch_first=True)
            self.head = nn.Linear(HIDDEN, n_labels)

        def forward(self, tokens: Int[torch.Tensor, "n words"]) -> Float[torch.Tensor, "n labels"]:
            states, _ = self.lstm(self.words(tokens))
            mask = (tokens != 0).unsqueeze(-1).float()
            logits: torch.Tensor = self.head((states * mask).sum(1) / mask.sum(1).clamp(min=1))
            return logits

    return Reader()
