"""SunGen: a weight for every synthetic row, learned so that a robust loss falls (Gao et al.)."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from tenpapers.records import write_jsonl

from ..records import Generation, read_rows
from .run import BaselineRun
from .student_vectors import LOG_ZERO, places_in_label, texts_of

WORD = re.compile(r"\w+")
VOCABULARY, WIDTH, HIDDEN, LONGEST = 8000, 64, 64, 64
INNER_LR, OUTER_LR = 1e-3, 0.25


def sungen(run: BaselineRun) -> dict[str, Any]:
    """Zero-shot rows, twice as many as asked for, resampled by their weights without replacement.

    All rows stay beside the output in `*.pool.jsonl`, each chosen one has its `weight`.
    """
    pool = run.out.with_name(f"{run.out.stem}.pool.jsonl")
    counts = run.zero_shot(pool, 2 * run.per_label)
    rows = texts_of(pool, run.task)
    labels = list(run.task.labels)
    numbers = np.array([labels.index(row.label) for row in rows])
    weights = learn_weights([row.text for row in rows], numbers, len(labels), seed=run.config.seed)
    chosen = resampled(numbers, weights, run.per_label, seed=run.config.seed)
    by_id = {one.id: one for one in read_rows(pool, Generation)}
    kept = [
        by_id[rows[place].id.rpartition("###")[0]].model_copy(
            update={"weight": float(weights[place])}
        )
        for place in chosen
    ]
    write_jsonl(run.out, kept)
    return counts | {"pool": len(rows), "kept": len(kept)}


def resampled(labels: np.ndarray, weights: np.ndarray, per_label: int, *, seed: int) -> list[int]:
    """Rows of every label drawn without replacement, by weight."""
    rng = np.random.default_rng(seed)
    chosen: list[int] = []
    for number in sorted(set(labels.tolist())):
        places = np.flatnonzero(labels == number)
        share = weights[places] + 1e-6
        size = min(per_label, len(places))
        drawn = rng.choice(places, size=size, replace=False, p=share / share.sum())
        chosen += sorted(drawn.tolist())
    return chosen


def learn_weights(
    texts: Sequence[str],
    labels: np.ndarray,
    n_labels: int,
    *,
    seed: int = 42,
    rounds: int = 10,
    inner_steps: int = 20,
    batch: int = 64,
) -> np.ndarray:
    """Weights between 0 and 1 by bilevel optimisation, float64 [N].

    Inner: a small LSTM learns with the weighted cross-entropy. Outer: the reverse cross-entropy
    of a synthetic validation part (every fourth row of a label), after one look-ahead step of the
    LSTM, moves the weights. Validation rows keep the mean weight of their label's others.
    """
    import torch

    torch.manual_seed(seed)
    tokens = torch.tensor(_coded(texts))
    target = torch.tensor(labels)
    model = _lstm(n_labels)
    weights = torch.full((len(texts),), 0.5, requires_grad=True)
    inner = torch.optim.Adam(model.parameters(), lr=INNER_LR)
    outer = torch.optim.Adam([weights], lr=OUTER_LR)
    held = torch.tensor(places_in_label(labels) % 4 == 3)
    train, valid = torch.where(~held)[0], torch.where(held)[0]
    if not len(valid) or not len(train):
        return np.full(len(texts), 0.5)
    source = torch.Generator().manual_seed(seed)

    def some(places: Any) -> Any:
        return places[torch.randperm(len(places), generator=source)[:batch]]

    for _ in range(rounds):
        for _ in range(inner_steps):
            rows = some(train)
            losses = _losses(model, dict(model.named_parameters()), tokens[rows], target[rows])
            inner.zero_grad()
            (weights[rows].detach() * losses).mean().backward()
            inner.step()
        rows, checks = some(train), some(valid)
        parameters = dict(model.named_parameters())
        losses = _losses(model, parameters, tokens[rows], target[rows])
        steps = torch.autograd.grad(
            (weights[rows] * losses).mean(), list(parameters.values()), create_graph=True
        )
        ahead = {
            name: value - step
            for (name, value), step in zip(parameters.items(), steps, strict=True)
        }
        probs = torch.func.functional_call(model, ahead, (tokens[checks],)).softmax(-1)
        robust = (-LOG_ZERO * (1 - probs.gather(1, target[checks][:, None]))).mean()
        outer.zero_grad()
        (gradient,) = torch.autograd.grad(robust, [weights])
        weights.grad = gradient
        outer.step()
        with torch.no_grad():
            weights.clamp_(0, 1)
    found = weights.detach().double().numpy()
    for number in set(labels.tolist()):
        same = labels == number
        fitted = same & ~held.numpy()
        if fitted.any():
            found[same & held.numpy()] = found[fitted].mean()
    return found


def _losses(model: Any, parameters: dict[str, Any], tokens: Any, target: Any) -> Any:
    import torch

    logits = torch.func.functional_call(model, parameters, (tokens,))
    return torch.nn.functional.cross_entropy(logits, target, reduction="none")


def _coded(texts: Sequence[str]) -> np.ndarray:
    """The first words of every text as numbers, 0 for none, 1 for rare ones; int64 [N, LONGEST]."""
    words = [WORD.findall(text.lower())[:LONGEST] for text in texts]
    common = Counter(word for row in words for word in row).most_common(VOCABULARY - 2)
    known = {word: number for number, (word, _) in enumerate(common, 2)}
    out = np.zeros((len(texts), LONGEST), dtype=np.int64)
    for place, row in enumerate(words):
        out[place, : len(row)] = [known.get(word, 1) for word in row]
    return out


def _lstm(n_labels: int) -> Any:
    from torch import nn

    class Reader(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.words = nn.Embedding(VOCABULARY, WIDTH, padding_idx=0)
            self.lstm = nn.LSTM(WIDTH, HIDDEN, batch_first=True)
            self.head = nn.Linear(HIDDEN, n_labels)

        def forward(self, tokens: Any) -> Any:
            states, _ = self.lstm(self.words(tokens))
            mask = (tokens != 0).unsqueeze(-1).float()
            return self.head((states * mask).sum(1) / mask.sum(1).clamp(min=1))

    return Reader()
