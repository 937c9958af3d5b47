"""What the training of LERC is told."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Seed

BASE = "bert-base-uncased"
# Steps in which the learning rate rises, as AllenNLP's schedule has it by default.
WARMUP = 100


@dataclass(frozen=True)
class LercSettings:
    """How LERC is trained (MOCHA's configuration files)."""

    train: Annotated[Path, typer.Option("--train", help="MOCHA's judgements (JSON or JSONL).")]
    pairs: Annotated[
        Path | None,
        typer.Option("--pairs", help="JSONL of pairs of answers with `same`, for a first stage."),
    ] = None
    dev: Annotated[
        Path | None, typer.Option("--dev", help="Judgements that the model is measured with.")
    ] = None
    minimal_pairs: Annotated[
        Path | None, typer.Option("--minimal-pairs", help="MOCHA's minimal pairs.")
    ] = None
    base: Annotated[str, typer.Option("--base", help="BERT: a folder or hub id.")] = BASE
    epochs: Annotated[int, typer.Option(help="Passes over the judgements.", min=0)] = 3
    lr: Annotated[float, typer.Option(help="Peak learning rate.", min=0)] = 3e-5
    pretrain_epochs: Annotated[
        int, typer.Option("--pretrain-epochs", help="Passes over the pairs of answers.", min=0)
    ] = 4
    pretrain_lr: Annotated[
        float, typer.Option("--pretrain-lr", help="Peak learning rate of that stage.", min=0)
    ] = 2e-5
    batch: Annotated[int, typer.Option(help="Rows that are read at once.", min=1)] = 16
    accumulate: Annotated[int, typer.Option(help="Batches of one step.", min=1)] = 2
    weight_decay: Annotated[
        float, typer.Option("--weight-decay", help="Of all but biases and LayerNorm.", min=0)
    ] = 0.01
    warmup: Annotated[int, typer.Option(help="Steps in which the rate rises.", min=0)] = WARMUP
    augment: Annotated[
        bool, typer.Option("--augment/--no-augment", help="Add right answers and swapped pairs.")
    ] = True
    seed: Seed = 42
