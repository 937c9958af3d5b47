"""What `train` is told; defaults are those of the paper's code."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer
from tenpapers.cli import Device, Dtype, Limit

# Which model is trained, and the type of row that trains it.
Kind = Literal["critique", "refine", "direct", "detect-refine"]
ROW_TYPES: dict[str, str] = {
    "critique": "feedback_without_correct",
    "refine": "refinement_without_correct",
    "direct": "single_step",
    "detect-refine": "two_step_with_minicheck",
}
WITH_CORRECT = "feedback_with_correct"


@dataclass(frozen=True)
class TrainSettings:
    """How a model is fine-tuned.

    Parameters
    ----------
    batch, accumulation : rows a device and step, steps an update.
    eval_every : updates between two evaluations, savings and log lines.
    """

    train: Annotated[
        Path, typer.Argument(metavar="TRAIN.jsonl", help="Rows with prompt and completion.")
    ]
    base: Annotated[str, typer.Option("--base", help="Model that is tuned: smollm2, hf:ID.")]
    dev: Annotated[
        Path | None,
        typer.Option("--dev", help="Rows for early stopping; default: a share of TRAIN.jsonl."),
    ] = None
    dev_share: Annotated[
        float,
        typer.Option("--dev-share", help="Share of the documents kept for it.", min=0, max=0.5),
    ] = 0.1
    with_correct: Annotated[
        bool,
        typer.Option(
            "--with-correct", help="Of critique: train the critic that may find no error."
        ),
    ] = False
    merge: Annotated[
        bool, typer.Option("--merge", help="Also write base and adapter as one model.")
    ] = False
    rank: Annotated[int, typer.Option("--rank", help="LoRA rank.", min=1)] = 8
    alpha: Annotated[int, typer.Option("--alpha", help="LoRA alpha.", min=1)] = 8
    dropout: Annotated[float, typer.Option("--dropout", help="LoRA dropout.", min=0, max=0.9)] = 0.1
    lr: Annotated[float, typer.Option("--lr", help="Learning rate.", min=0)] = 2e-4
    warmup: Annotated[
        float, typer.Option("--warmup", help="Share of the updates that warm up.", min=0, max=1)
    ] = 0.05
    epochs: Annotated[float, typer.Option("--epochs", help="Passes over the rows.", min=0)] = 3.0
    patience: Annotated[
        int,
        typer.Option("--stop-after", help="Evaluations without a gain that end it.", min=1),
    ] = 5
    batch: Annotated[int, typer.Option("--batch", help="Rows a device and step.", min=1)] = 2
    accumulation: Annotated[int, typer.Option("--accumulation", help="Steps an update.", min=1)] = 1
    max_tokens: Annotated[
        int,
        typer.Option("--max-tokens", help="Rows of so many tokens and more are dropped.", min=2),
    ] = 2010
    weight_decay: float = 0.001
    clip: float = 0.3
    eval_every: Annotated[
        int, typer.Option("--eval-every", help="Updates between two evaluations.", min=1)
    ] = 100
    gradient_checkpointing: Annotated[
        bool, typer.Option("--gradient-checkpointing", help="Less memory, more time.")
    ] = False
    dtype: Dtype = None
    device: Device = None
    limit: Limit = None
    seed: Annotated[int, typer.Option("--seed", help="Seed of every random choice.", min=0)] = 10

    def row_type(self, kind: Kind) -> str:
        """Type of the rows that are trained on."""
        return WITH_CORRECT if kind == "critique" and self.with_correct else ROW_TYPES[kind]
