"""Training LERC: first on pairs of right and wrong answers, then on people's judgements."""

import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from tenpapers.errors import UserError

from .lerc import Lerc
from .lerc_input import LercInput, LercRow, inputs_of
from .lerc_settings import LercSettings
from .mocha import AnswerPairRow, MinimalPair, MochaRow, augmented

if TYPE_CHECKING:
    import torch

ItemT = TypeVar("ItemT")
# The pair says the same; else which of the two is right.
SAME = 2


@dataclass(frozen=True)
class LercReport:
    """What a training came to.

    Parameters
    ----------
    rows : judgements trained on, with those that were added.
    losses : mean squared error of each epoch.
    pretrain_losses : cross-entropy (nats) of each epoch of the first stage.
    pearson : with people, on each data set of the dev rows; NaN where nothing varies.
    minimal_pairs : of each data set, the share of pairs whose better answer scores higher; a tie
        is half right.
    """

    rows: int
    losses: Sequence[float]
    pretrain_losses: Sequence[float]
    pearson: dict[str, float]
    minimal_pairs: dict[str, float]

    def row(self) -> dict[str, object]:
        """As JSON, where what is no number is null."""
        plain = asdict(self)
        for name in ("pearson", "minimal_pairs"):
            plain[name] = {key: None if math.isnan(x) else x for key, x in plain[name].items()}
        return plain


def train_lerc(
    lerc: Lerc,
    rows: Sequence[MochaRow],
    settings: LercSettings,
    *,
    pairs: Sequence[AnswerPairRow] = (),
    dev: Sequence[MochaRow] = (),
    minimal: Sequence[MinimalPair] = (),
) -> LercReport:
    """Train a model in place: on `pairs` if there are any, then on people's judgements.

    Raises
    ------
    UserError : no rows; a loss that is not a number.
    """
    if not rows:
        raise UserError("LERC: no judgements to train on")
    rng = random.Random(settings.seed)
    first = pretrain(lerc, pairs, settings, rng) if pairs else []
    judged = augmented(rows) if settings.augment else list[LercRow](rows)

    def loss(batch: Sequence[LercRow]) -> "torch.Tensor":
        import torch

        wanted = torch.tensor([row.score for row in batch], device=lerc.bert.device)
        return torch.nn.functional.mse_loss(
            lerc.scores_of(inputs_of(lerc.tokenizer, batch)), wanted
        )

    losses = _fit(
        lerc,
        lerc.head,
        judged,
        loss,
        epochs=settings.epochs,
        lr=settings.lr,
        settings=settings,
        rng=rng,
    )
    return LercReport(
        rows=len(judged),
        losses=losses,
        pretrain_losses=first,
        pearson=pearson(lerc, dev),
        minimal_pairs=minimal_pair_accuracy(lerc, minimal),
    )


def pretrain(
    lerc: Lerc, pairs: Sequence[AnswerPairRow], settings: LercSettings, rng: random.Random
) -> list[float]:
    """Learn which of two answers is right, or that both are, by a layer that is then dropped.

    The order of two answers is drawn anew whenever they are read.

    Returns
    -------
    Cross-entropy (nats) of each epoch.
    """
    import torch

    head = torch.nn.Linear(lerc.bert.config.hidden_size, 3).to(lerc.bert.device)

    def loss(batch: Sequence[AnswerPairRow]) -> torch.Tensor:
        drawn = [in_drawn_order(row, swap=rng.random() < 0.5) for row in batch]
        inputs: list[LercInput] = inputs_of(lerc.tokenizer, [row for row, _ in drawn])
        wanted = torch.tensor([label for _, label in drawn], device=lerc.bert.device)
        return torch.nn.functional.cross_entropy(head(lerc.cls_vectors(inputs)), wanted)

    return _fit(
        lerc,
        head,
        list(pairs),
        loss,
        epochs=settings.pretrain_epochs,
        lr=settings.pretrain_lr,
        settings=settings,
        rng=rng,
    )


def in_drawn_order(pair: AnswerPairRow, *, swap: bool) -> tuple[LercRow, int]:
    """A pair with its answers in an order, and its class: first right, second right, the same."""
    first, second = pair.reference, pair.candidate
    row: LercRow = pair
    if swap:
        row = pair.model_copy(update={"reference": second, "candidate": first})
    return row, SAME if pair.same else int(swap)


def pearson(lerc: Lerc, rows: Sequence[MochaRow]) -> dict[str, float]:
    """Correlation of the model's scores with people's on each data set."""
    found = {}
    for dataset, own in _by_dataset(rows).items():
        scores = lerc.raw_scores(own)
        given = np.array([row.score for row in own])
        varies = len(own) > 1 and scores.std() > 0 and given.std() > 0
        found[dataset] = float(np.corrcoef(scores, given)[0, 1]) if varies else math.nan
    return found


def minimal_pair_accuracy(lerc: Lerc, pairs: Sequence[MinimalPair]) -> dict[str, float]:
    """Share of pairs whose better answer scores higher, on each data set; a tie is half right."""
    found = {}
    for dataset, own in _by_dataset(pairs).items():
        apart = lerc.raw_scores(own) - lerc.raw_scores([pair.second for pair in own])
        better = np.sign([pair.score - pair.score2 for pair in own])
        found[dataset] = float(np.mean((np.sign(apart) * better + 1) / 2))
    return found


def _by_dataset(rows: Sequence[ItemT]) -> dict[str, list[ItemT]]:
    groups: defaultdict[str, list[ItemT]] = defaultdict(list)
    for row in rows:
        groups[str(getattr(row, "dataset", ""))].append(row)
    return groups


def _fit(
    lerc: Lerc,
    head: "torch.nn.Linear",
    rows: Sequence[ItemT],
    loss_of: Callable[[Sequence[ItemT]], "torch.Tensor"],
    *,
    epochs: int,
    lr: float,
    settings: LercSettings,
    rng: random.Random,
) -> list[float]:
    """AdamW with a linear rise and fall of the rate; gives the mean loss of each epoch."""
    import torch
    from tqdm import tqdm
    from transformers import get_linear_schedule_with_warmup

    torch.manual_seed(settings.seed)
    per_epoch = math.ceil(math.ceil(len(rows) / settings.batch) / settings.accumulate)
    optimizer = torch.optim.AdamW(_groups([lerc.bert, head], settings.weight_decay), lr=lr)
    schedule = get_linear_schedule_with_warmup(optimizer, settings.warmup, per_epoch * epochs)
    lerc.bert.train()
    losses = []
    with tqdm(total=per_epoch * epochs, desc="LERC", unit="step") as bar:
        for _ in range(epochs):
            order = list(rows)
            rng.shuffle(order)
            total = 0.0
            for group in _chunks(order, settings.batch * settings.accumulate):
                for batch in _chunks(group, settings.batch):
                    loss = loss_of(batch)
                    if not math.isfinite(loss.item()):
                        raise UserError("LERC: the loss is not a number", "lower --lr")
                    total += loss.item() * len(batch)
                    # each row of a step weighs the same, in a batch that is not full too
                    (loss * len(batch) / len(group)).backward()
                optimizer.step()
                schedule.step()
                optimizer.zero_grad()
                bar.update()
            losses.append(total / len(order))
    lerc.bert.eval()
    return losses


def _groups(modules: Sequence["torch.nn.Module"], decay: float) -> list[dict[str, object]]:
    """Parameters with weight decay, and those without: biases and LayerNorm."""
    named = [pair for module in modules for pair in module.named_parameters()]
    free = [name.endswith("bias") or "LayerNorm" in name for name, _ in named]
    return [
        {
            "params": [
                value for (_, value), one in zip(named, free, strict=True) if one is without
            ],
            "weight_decay": 0.0 if without else decay,
        }
        for without in (False, True)
    ]


def _chunks(rows: Sequence[ItemT], size: int) -> Iterator[Sequence[ItemT]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
