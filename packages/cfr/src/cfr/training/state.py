"""What a run needs to go on after a kill: parameters, moments, random numbers, what it has seen."""

from __future__ import annotations

import dataclasses
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from tenpapers.models.identity import content_digest
from tenpapers.records import read_json, write_json

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

_MOMENTS = ("exp_avg", "exp_avg_sq")


@dataclass
class Progress:
    """How far a run is.

    Parameters
    ----------
    epoch : how many are done; `step` : steps of the one that is not.
    losses : of every step, in nats; `ends` : how many there were at the end of each epoch.
    dev_before : MRR before the first step; None without dev rows.
    dev_mrr : after each epoch.
    """

    epoch: int = 0
    step: int = 0
    losses: list[float] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    dev_before: float | None = None
    dev_mrr: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def best_epoch(self) -> int | None:
        """The epoch, from 1, with the best MRR; of equal ones the first."""
        if not self.dev_mrr:
            return None
        return 1 + max(range(len(self.dev_mrr)), key=lambda n: (self.dev_mrr[n], -n))

    @property
    def epoch_losses(self) -> list[float]:
        """Mean loss of each epoch's steps."""
        starts = [0, *self.ends]
        parts = [self.losses[a:b] for a, b in zip(starts, self.ends, strict=False)]
        return [sum(part) / len(part) for part in parts if part]


class State:
    """A folder that holds a run as it was last saved.

    Parameters
    ----------
    key : what the run is; a folder of another run is not read.
    """

    def __init__(self, folder: Path, key: object) -> None:
        self.folder = folder
        self.key = content_digest(key)

    def save(
        self,
        progress: Progress,
        parameters: dict[str, Tensor],
        optimiser: Optimizer,
        best: dict[str, Tensor] | None,
    ) -> None:
        """Write it all; a kill in between leaves what was saved before."""
        from safetensors.torch import save_file

        tensors = {"noise": torch.get_rng_state()}
        for name, value in parameters.items():
            tensors[f"value/{name}"] = value.detach().contiguous()
            for moment in _MOMENTS:
                if moment in optimiser.state.get(value, {}):
                    tensors[f"{moment}/{name}"] = optimiser.state[value][moment].contiguous()
        for name, value in (best or {}).items():
            tensors[f"best/{name}"] = value.contiguous()
        self.folder.mkdir(parents=True, exist_ok=True)
        file = f"step-{len(progress.losses)}-{progress.epoch}.safetensors"
        save_file(tensors, self.folder / file)
        # The JSON comes last and names the file, so that the two always belong together.
        write_json(
            self.folder / "progress.json",
            {"key": self.key, "file": file, "progress": dataclasses.asdict(progress)},
        )
        for old in self.folder.glob("step-*.safetensors"):
            if old.name != file:
                old.unlink()

    def restore(
        self, parameters: dict[str, Tensor], optimiser: Optimizer
    ) -> tuple[Progress, dict[str, Tensor] | None]:
        """Set parameters, moments and random numbers; gives progress and the best parameters."""
        from safetensors.torch import load_file

        if not (self.folder / "progress.json").exists():
            return Progress(), None
        kept = read_json(self.folder / "progress.json")
        if kept["key"] != self.key:
            return Progress(), None
        progress = Progress(**kept["progress"])
        tensors = load_file(self.folder / kept["file"])
        with torch.no_grad():
            for name, value in parameters.items():
                value.copy_(tensors[f"value/{name}"])
                if f"exp_avg/{name}" in tensors:
                    optimiser.state[value] = {
                        "step": torch.tensor(float(len(progress.losses))),
                        **{m: tensors[f"{m}/{name}"].to(value) for m in _MOMENTS},
                    }
        torch.set_rng_state(tensors["noise"])
        best = {
            name.removeprefix("best/"): value
            for name, value in tensors.items()
            if name.startswith("best/")
        }
        return progress, best or None

    def clear(self) -> None:
        """Remove it."""
        shutil.rmtree(self.folder, ignore_errors=True)
