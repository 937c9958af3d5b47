"""The learning rate over the steps of a run, and the optimiser of Contriever's options."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from .settings import Schedule, TrainSettings

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import AdamW

BETAS, EPS = (0.9, 0.98), 1e-6


def rate_factor(
    step: int, total: int, *, warmup: float, lowest: float = 0.0, schedule: Schedule = "linear"
) -> float:
    """By what the peak learning rate is multiplied at a step.

    It rises linearly to 1 and then, linearly too, falls towards `lowest` at the end.

    Parameters
    ----------
    step : from 0.
    warmup : share of the steps over which it rises.
    """
    rising = round(warmup * total)
    if step < rising:
        return (step + 1) / rising
    if schedule == "constant":
        return 1.0
    return 1 + (lowest - 1) * (step - rising) / max(1, total - rising)


def optimiser(parameters: Iterable[Tensor], settings: TrainSettings) -> AdamW:
    """AdamW with betas 0.9 and 0.98 and epsilon 1e-6."""
    from torch.optim import AdamW

    return AdamW(
        list(parameters),
        lr=settings.rate,
        betas=BETAS,
        eps=EPS,
        weight_decay=settings.decay,
    )
