"""How a model is edited, and on what: options, YAML keys and the paper's defaults in one record."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer
from tenpapers.cli import comma_separated

from ..sampling.settings import Demo, Prompts

# What is trained on: the update's text, two other problems of it, or those with the text.
Arm = Literal["ft-u", "ft-ps", "ft-ups"]


@dataclass(frozen=True)
class EditConfig:
    """How one edit is trained.

    Parameters
    ----------
    alpha, dropout : of LoRA.
    weight_decay : of AdamW; its schedule is constant.
    epochs_times_texts : passes over n texts are this number // n, so 10 means 10 steps of 1 text.
    batch_size : cut to the number of texts.
    """

    rank: Annotated[int, typer.Option("--rank", help="Of LoRA.", min=1)] = 8
    alpha: int = 1
    dropout: float = 0.1
    targets: Annotated[str, typer.Option("--targets", help="Modules with LoRA, by commas.")] = (
        "q_proj,v_proj"
    )
    learning_rate: Annotated[float, typer.Option("--learning-rate", help="Of AdamW.")] = 1e-3
    weight_decay: float = 1e-8
    epochs_times_texts: int = 10
    batch_size: int = 8
    seed: Annotated[
        int, typer.Option("--seed", help="Of the adapter's first weights, dropout and draws.")
    ] = 42
    adapter: Annotated[
        Literal["lora", "none"],
        typer.Option("--adapter", help="lora, or none: train all weights."),
    ] = "lora"

    @property
    def target_modules(self) -> list[str]:
        """Names of the modules that get LoRA, in all layers."""
        return comma_separated(self.targets)


@dataclass(frozen=True, kw_only=True)
class ArmSettings(EditConfig):
    """What an arm is trained on, and how."""

    arm: Annotated[
        Arm, typer.Option("--arm", help="The update's text, solved problems of it, or both.")
    ]
    random: Annotated[
        bool, typer.Option("--random", help="Train on another update (what does it teach?).")
    ] = False
    random_map: Annotated[
        Path | None, typer.Option("--random-map", help="JSON map of updates (else drawn).")
    ] = None
    demo: Demo = None
    prompts: Prompts = None
