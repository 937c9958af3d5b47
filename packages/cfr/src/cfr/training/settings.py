"""How a bi-encoder is fine-tuned."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer
from tenpapers.cli import Device, Seed
from tenpapers.errors import UserError

from ..retrieval.encoder import Pooling, Score
from ..retrieval.query_form import QueryFormat

Schedule = Literal["linear", "constant"]
DevPool = Literal["own", "all"]

# Learning rate and weight decay of a scope, where none are given. 1e-5 is ours, as are the others;
# the paper's are not known. 0.01 is the default of Contriever's options.
RATES = {"full": (1e-5, 0.01), "top": (1e-5, 0.01), "lora": (1e-4, 0.01), "head": (1e-3, 0.0)}


@dataclass(frozen=True)
class TrainSettings:
    """How a bi-encoder is fine-tuned; temperature and cosine are the paper's."""

    base: Annotated[
        str, typer.Option("--base", help="Encoder: contriever, minilm, a folder, a hub id.")
    ] = "contriever"
    scope: Annotated[
        str,
        typer.Option(
            "--scope",
            help="What is trained: full, top-N (the last N layers), lora, or head (two matrices "
            "on frozen vectors, one for queries and one for documents).",
        ),
    ] = "full"
    epochs: Annotated[int, typer.Option("--epochs", help="Passes over the tuples.", min=1)] = 5
    max_steps: Annotated[
        int | None, typer.Option("--max-steps", help="Steps at most, over all epochs.", min=1)
    ] = None
    batch: Annotated[int, typer.Option("--batch", help="Tuples of a step.", min=1)] = 64
    hard_negatives: Annotated[
        int, typer.Option("--hard-negatives", help="Drawn for each tuple.", min=0)
    ] = 4
    in_batch: Annotated[
        bool,
        typer.Option(
            "--in-batch/--no-in-batch", help="Whether documents of other tuples are negatives."
        ),
    ] = True
    distinct_claims: Annotated[
        bool,
        typer.Option(
            "--distinct-claims/--any-claims", help="Whether a batch has one tuple a claim at most."
        ),
    ] = True
    temperature: Annotated[float, typer.Option("--temperature", help="Of the loss.", min=1e-4)] = (
        0.05
    )
    score: Annotated[Score, typer.Option("--score", help="Of a query and a document.")] = "cosine"
    query_format: Annotated[
        QueryFormat, typer.Option("--query-format", help="How claim and subquestion are joined.")
    ] = "sep"
    pooling: Annotated[Pooling, typer.Option("--pooling", help="Of the tokens' states.")] = "mean"
    normalize_text: Annotated[
        bool,
        typer.Option(
            "--normalize-text/--raw-text",
            help="Plain quotes, dashes and blanks, here and when the model searches.",
        ),
    ] = False
    query_length: Annotated[int, typer.Option("--query-length", help="Tokens at most.", min=8)] = (
        128
    )
    document_length: Annotated[
        int, typer.Option("--document-length", help="Tokens at most.", min=8)
    ] = 256
    lr: Annotated[
        float | None,
        typer.Option("--lr", help="Default: 1e-5; lora 1e-4, head 1e-3.", min=0),
    ] = None
    weight_decay: Annotated[
        float | None, typer.Option("--weight-decay", help="Default: 0.01; head 0.", min=0)
    ] = None
    schedule: Annotated[
        Schedule, typer.Option("--schedule", help="Of the learning rate after the warm-up.")
    ] = "linear"
    warmup: Annotated[float, typer.Option("--warmup", help="Share of the steps.", min=0, max=1)] = (
        0.1
    )
    lr_min_ratio: Annotated[
        float,
        typer.Option("--lr-min-ratio", help="Of the learning rate, at the end.", min=0, max=1),
    ] = 0.0
    clip: Annotated[float, typer.Option("--clip", help="Norm of the gradient.", min=0)] = 1.0
    dropout: Annotated[float, typer.Option("--dropout", help="Share.", min=0, max=0.9)] = 0.1
    lora_rank: Annotated[int, typer.Option("--lora-rank", help="Of scope lora.", min=1)] = 16
    pull: Annotated[
        float,
        typer.Option(
            "--pull",
            help="Of scope head: weight of the mean squared distance to no change.",
            min=0,
        ),
    ] = 0.0
    chunk: Annotated[
        int,
        typer.Option(
            "--gradient-cache",
            help="Texts in memory at a time, for large batches; 0 is off.",
            min=0,
        ),
    ] = 0
    dev: Annotated[Path | None, typer.Option("--dev", help="Training rows to stop by, JSONL.")] = (
        None
    )
    dev_share: Annotated[
        float,
        typer.Option(
            "--dev-share", help="Without --dev: share of the claims kept for it.", min=0, max=0.9
        ),
    ] = 0.1
    dev_pool: Annotated[
        DevPool,
        typer.Option("--dev-pool", help="What is ranked: a query's own passages, or all of them."),
    ] = "own"
    patience: Annotated[
        int, typer.Option("--patience-epochs", help="Without a better dev MRR; 0 is off.", min=0)
    ] = 2
    device: Device = None
    seed: Seed = 0

    @property
    def kind(self) -> str:
        """Scope without its number: full, top, lora or head.

        Raises
        ------
        UserError : it is none of these.
        """
        if self.scope in ("full", "lora", "head"):
            return self.scope
        if re.fullmatch(r"top-[1-9]\d*", self.scope):
            return "top"
        raise UserError(f"--scope {self.scope}: unknown", "full, top-N (such as top-2), lora, head")

    @property
    def layers(self) -> int:
        """Of scope top-N, how many layers."""
        return int(self.scope.removeprefix("top-"))

    @property
    def rate(self) -> float:
        """Peak learning rate."""
        return RATES[self.kind][0] if self.lr is None else self.lr

    @property
    def decay(self) -> float:
        """Weight decay of AdamW."""
        return RATES[self.kind][1] if self.weight_decay is None else self.weight_decay
