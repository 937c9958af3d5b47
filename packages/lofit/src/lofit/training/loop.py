"""The training loop, the same for scales, offsets and every trained baseline.

By hand and short, so that a CPU run is deterministic and nothing has a hidden default: AdamW,
linear decay, gradient clipping, the L1 penalty. It can be killed and goes on from its last state.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from tenpapers.errors import UserError
from tenpapers.records import read_json, write_json

from ..records import FitConfig, FitLog
from .losses import Objective, mean_loss

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer
    from transformers import PreTrainedModel

    Parameters = Mapping[str, Tensor]

# Seconds between two saved states.
SAVE_EVERY = 30.0
# Batches whose examples are sorted by length together, so that order stays mostly random.
BUCKET = 8


class NotFiniteError(UserError):
    """The loss or a trained number stopped being finite; the last good values are restored."""


def step_plan(lengths: Sequence[int], config: FitConfig) -> list[list[int]]:
    """Which examples each optimiser step sees, over all epochs.

    Every epoch is a permutation of its own. With `group_by_length`, `BUCKET` batches at a time are
    sorted by length and their batches shuffled.
    """
    plan = []
    size = config.batch_size
    for epoch in range(config.epochs):
        draw = random.Random(f"{config.seed}/{epoch}")
        order = list(range(len(lengths)))
        draw.shuffle(order)
        if config.group_by_length:
            span = size * BUCKET
            chunks = [order[i : i + span] for i in range(0, len(order), span)]
            order = [i for chunk in chunks for i in sorted(chunk, key=lambda i: lengths[i])]
        batches = [order[i : i + size] for i in range(0, len(order), size)]
        if config.group_by_length:
            draw.shuffle(batches)
        plan += batches
    return plan


@contextmanager
def frozen(model: PreTrainedModel) -> Iterator[None]:
    """No gradients for the model's own weights, and eval mode, for the length of the block."""
    wanted = [parameter for parameter in model.parameters() if parameter.requires_grad]
    training = model.training
    model.eval()
    for parameter in wanted:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in wanted:
            parameter.requires_grad_(True)
        model.train(training)


def fit(
    parameters: Parameters,
    objective: Objective,
    config: FitConfig,
    *,
    label: str = "fit",
    state: Path | None = None,
    identity: str = "",
    validation: Objective | None = None,
) -> FitLog:
    """Fit named parameters in place.

    Parameters
    ----------
    parameters : what is trained, float32 leaves with gradients.
    objective : already prepared; what it computes depends on the parameters.
    config : settings.
    label : of the progress bar.
    state : folder in which a killed fit leaves what it needs to go on; removed at the end.
    identity : what else makes it this fit and no other (model, heads); a state of another fit is
        not gone on from.
    validation : held-out examples, prepared too; their loss is logged before the first step and
        after every epoch.

    Raises
    ------
    NotFiniteError : names the step; the parameters hold the last good values, and so does `state`.
    """
    import torch
    from tqdm import tqdm

    began = time.monotonic()
    plan = step_plan(objective.lengths, config)
    values = list(parameters.values())
    optimiser = torch.optim.AdamW(
        values, lr=config.lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=config.weight_decay
    )
    log = FitLog(trainable=sum(value.numel() for value in values))
    keeper = None
    if state is not None:
        keeper = _State(
            state, parameters, optimiser, [asdict(config), objective.identity, identity]
        )
    if keeper:
        keeper.restore(log)
    first = len(log.losses)
    epoch = len(plan) // config.epochs
    if validation is not None and not log.validation:
        log.validation.append(mean_loss(validation))
    good = [value.detach().clone() for value in values]
    saved = time.monotonic()
    for step in tqdm(range(first, len(plan)), desc=label, unit="step", leave=False):
        rate = config.lr * (1 - step / len(plan))
        for group in optimiser.param_groups:
            group["lr"] = rate
        with torch.autograd.set_detect_anomaly(config.debug_anomaly):
            log.losses.append(_backward(objective, plan[step], values, config))
            _update(values, optimiser, config, rate)
        if not _finite(log.losses[-1], values):
            with torch.no_grad():
                for value, kept in zip(values, good, strict=True):
                    value.copy_(kept)
            if keeper:
                log.losses.pop()
                keeper.save(log)
            raise NotFiniteError(
                f"step {step + 1} of {len(plan)}: the loss or a trained number is not finite",
                f"lower --lr (now {config.lr:g})",
            )
        for value, kept in zip(values, good, strict=True):
            kept.copy_(value.detach())
        if validation is not None and (step + 1) % epoch == 0:
            log.validation.append(mean_loss(validation))
        if keeper and time.monotonic() - saved > SAVE_EVERY:
            keeper.save(log)
            saved = time.monotonic()
    log.tokens = objective.forward.tokens
    log.seconds += time.monotonic() - began
    if keeper:
        keeper.clear()
    return log


def _backward(
    objective: Objective, batch: Sequence[int], values: Sequence[Tensor], config: FitConfig
) -> float:
    """Gradients of a batch, in as many parts as it takes; gives its loss without the penalty."""
    for value in values:
        value.grad = None
    size, weight, total = config.micro_batch or len(batch), objective.weight(batch), 0.0
    for start in range(0, len(batch), size):
        part = batch[start : start + size]
        loss = objective.loss(part) * (objective.weight(part) / weight)
        if config.l1 and config.l1_mode == "loss" and start == 0:
            # The plain sum over all entries, as in the released code.
            penalty = config.l1 * sum(value.abs().sum() for value in values)
            (loss + penalty).backward()
        else:
            loss.backward()
        total += float(loss.detach())
    return total


def _update(values: Sequence[Tensor], optimiser: Optimizer, config: FitConfig, rate: float) -> None:
    import torch

    torch.nn.utils.clip_grad_norm_(values, config.clip)
    optimiser.step()
    if config.l1 and config.l1_mode == "prox":
        with torch.no_grad():
            for value in values:
                value.copy_(value.sign() * (value.abs() - rate * config.l1).clamp(min=0))


def _finite(loss: float, values: Sequence[Tensor]) -> bool:
    return math.isfinite(loss) and all(bool(value.isfinite().all()) for value in values)


class _State:
    """What a fit needs to go on: values, optimiser moments, losses; safetensors and JSON."""

    def __init__(
        self,
        folder: Path,
        parameters: Parameters,
        optimiser: Optimizer,
        identity: list[object],
    ) -> None:
        self.folder = folder
        self.parameters = parameters
        self.optimiser = optimiser
        shapes = {name: list(value.shape) for name, value in parameters.items()}
        content = json.dumps([*identity, shapes], sort_keys=True)
        self.key = hashlib.sha256(content.encode()).hexdigest()

    def save(self, log: FitLog) -> None:
        from safetensors.torch import save_file

        tensors = {}
        for name, value in self.parameters.items():
            moments = self.optimiser.state.get(value, {})
            tensors[f"value/{name}"] = value.detach().contiguous()
            for moment in ("exp_avg", "exp_avg_sq"):
                if moment in moments:
                    tensors[f"{moment}/{name}"] = moments[moment].contiguous()
        self.folder.mkdir(parents=True, exist_ok=True)
        file = f"step-{len(log.losses)}.safetensors"
        save_file(tensors, self.folder / file)
        # The JSON comes last and names the file: a kill between the two leaves the old pair.
        write_json(
            self.folder / "state.json",
            {
                "key": self.key,
                "file": file,
                "losses": log.losses,
                "validation": log.validation,
                "seconds": log.seconds,
            },
        )
        for old in self.folder.glob("step-*.safetensors"):
            if old.name != file:
                old.unlink()

    def restore(self, log: FitLog) -> None:
        """Go on from a saved state of the same fit; another fit's state is ignored."""
        import torch
        from safetensors.torch import load_file

        if not (self.folder / "state.json").exists():
            return
        kept = read_json(self.folder / "state.json")
        if kept["key"] != self.key:
            return
        tensors = load_file(self.folder / kept["file"])
        with torch.no_grad():
            for name, value in self.parameters.items():
                value.copy_(tensors[f"value/{name}"])
                if f"exp_avg/{name}" in tensors:
                    self.optimiser.state[value] = {
                        "step": torch.tensor(float(len(kept["losses"]))),
                        "exp_avg": tensors[f"exp_avg/{name}"].to(value),
                        "exp_avg_sq": tensors[f"exp_avg_sq/{name}"].to(value),
                    }
        log.losses += kept["losses"]
        log.validation += kept["validation"]
        log.seconds = kept["seconds"]

    def clear(self) -> None:
        import shutil

        shutil.rmtree(self.folder, ignore_errors=True)
