"""Epochs of steps, stopped early by dev MRR; killed, a run goes on where it was saved."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from tenpapers.errors import UserError

from ..contrast.across_devices import gather_objects, n_processes, rank
from ..contrast.batches import Batch, batches_of_epoch, n_batches
from ..contrast.tuples import TrainingSet
from .dev import dev_mrr
from .schedule import optimiser, rate_factor
from .settings import TrainSettings
from .state import Progress, State
from .step import backward, share_of
from .trained_models import Trainable

if TYPE_CHECKING:
    from torch import Tensor

# Seconds between two savings of a run's state.
SAVE_EVERY = 60.0


def fit(
    model: Trainable,
    data: TrainingSet,
    settings: TrainSettings,
    *,
    dev: tuple[Trainable, TrainingSet] | None = None,
    state: State | None = None,
    save_every: float = SAVE_EVERY,
    show: str | None = None,
) -> Progress:
    """Train a model; with dev rows it ends as it was after its best epoch.

    Parameters
    ----------
    dev : the same parameters over the dev rows' texts, and those rows.
    state : where the run is saved, so that it can go on.
    save_every : seconds between two savings; one more is at the end of each epoch.
    show : what a progress bar says, None for none.

    Raises
    ------
    UserError : the loss is not a number.
    """
    from tqdm import tqdm

    total = total_steps(data, settings)
    steps = optimiser(model.parameters.values(), settings)
    torch.manual_seed(settings.seed + rank())
    progress, best = state.restore(model.parameters, steps) if state else (Progress(), None)
    began = saved = time.monotonic()
    if dev and progress.dev_before is None:
        progress.dev_before = _agreed_mrr(dev, settings)

    def save() -> None:
        nonlocal saved, began
        now = time.monotonic()
        progress.seconds += now - began
        began = saved = now
        if state and rank() == 0:
            state.save(progress, model.parameters, steps, best)

    bar = tqdm(
        total=total,
        initial=len(progress.losses),
        desc=show,
        unit="step",
        disable=show is None or rank() > 0,
    )
    with bar:
        while not _ended(progress, total, settings):
            batches = _epoch(data, settings, progress.epoch)
            for number, batch in enumerate(batches):
                if number < progress.step or len(progress.losses) == total:
                    continue
                part = share_of(batch, rank(), n_processes())
                progress.losses.append(_step(model, part, data, settings, steps, progress, total))
                progress.step += 1
                bar.update()
                bar.set_postfix(loss=f"{progress.losses[-1]:.3f}", refresh=False)
                if time.monotonic() - saved > save_every:
                    save()
            if dev:
                progress.dev_mrr.append(_agreed_mrr(dev, settings))
                if progress.best_epoch == len(progress.dev_mrr):
                    best = {n: value.detach().clone() for n, value in model.parameters.items()}
            progress.epoch, progress.step = progress.epoch + 1, 0
            progress.ends.append(len(progress.losses))
            save()
    if best is not None:
        with torch.no_grad():
            for name, value in model.parameters.items():
                value.copy_(best[name])
    model.mode(training=False)
    return progress


def _agreed_mrr(dev: tuple[Trainable, TrainingSet], settings: TrainSettings) -> float:
    """The first process's value, so that all stop together."""
    return gather_objects(dev_mrr(*dev, score=settings.score, pool=settings.dev_pool))[0]


def total_steps(data: TrainingSet, settings: TrainSettings) -> int:
    """Steps of a whole run, as far as it is not stopped early."""
    sizes = (
        n_batches(
            data,
            settings.batch,
            _drawing(settings, epoch),
            distinct_claims=settings.distinct_claims,
        )
        for epoch in range(settings.epochs)
    )
    steps = 0
    for size in sizes:
        steps += size
        if settings.max_steps and steps >= settings.max_steps:
            return settings.max_steps
    return steps


def _ended(progress: Progress, total: int, settings: TrainSettings) -> bool:
    if progress.epoch >= settings.epochs or (len(progress.losses) >= total and not progress.step):
        return True
    best = progress.best_epoch
    return bool(settings.patience and best and len(progress.dev_mrr) - best >= settings.patience)


def _drawing(settings: TrainSettings, epoch: int) -> np.random.Generator:
    """What an epoch draws depends on seed and epoch alone, so that a run can go on in it."""
    return np.random.default_rng([settings.seed, epoch])


def _epoch(data: TrainingSet, settings: TrainSettings, epoch: int) -> Iterator[Batch]:
    return batches_of_epoch(
        data,
        settings.batch,
        settings.hard_negatives,
        _drawing(settings, epoch),
        distinct_claims=settings.distinct_claims,
    )


def _step(
    model: Trainable,
    batch: Batch,
    data: TrainingSet,
    settings: TrainSettings,
    steps: torch.optim.AdamW,
    progress: Progress,
    total: int,
) -> float:
    factor = rate_factor(
        len(progress.losses),
        total,
        warmup=settings.warmup,
        lowest=settings.lr_min_ratio,
        schedule=settings.schedule,
    )
    for group in steps.param_groups:
        group["lr"] = settings.rate * factor
    model.mode(training=True)
    steps.zero_grad()
    loss = backward(model, batch, data, settings)
    values: list[Tensor] = list(model.parameters.values())
    if not math.isfinite(loss):
        raise UserError(
            f"step {len(progress.losses) + 1}: the loss is {loss}", "a lower --lr may help"
        )
    if settings.clip:
        torch.nn.utils.clip_grad_norm_(values, settings.clip)
    steps.step()
    return loss
