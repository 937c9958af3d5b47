"""Settings of the study; `configs/*.yaml` hold the two scales."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer
from tenpapers.cli import Cache, Data

from ..retrieval.query_form import QueryFormat
from ..signals.settings import HI, LO, Mode


@dataclass(frozen=True)
class Study:
    """What `reproduce` runs.

    Parameters
    ----------
    train_claims, wice_train_rows : the first ones are trained on, the others are the test.
    wice_rows : of WiCE, the first ones; None for all.
    synthetic : items drawn, a fifth of them for test; 0 for none.
    synthetic_tuned : whether systems are also trained on its other items.
    scope, batch, hard_negatives : of the training, see `cfr train`.
    wice_batch : of WiCE and of the synthetic set.
    rates, steps : learning rates and numbers of steps that are tried on held-out training claims,
        `dev_share` of them; the test queries choose nothing.
    depth : passages of BM25 that are candidates of a training query.
    teacher_mode, teacher_claims, windows : how the teacher is asked, about how many training claims
        (None: all), and about how many passages of a query.
    hi, lo : of answer equivalence.
    read : systems whose passages are read and judged.
    topk, answer_tokens, verdict_tokens : passages of a reading, tokens at most.
    """

    data: Data = None
    encoder: Annotated[
        str, typer.Option("--encoder", help="Base encoder: minilm, contriever, a folder, a hub id.")
    ] = "minilm"
    models: Annotated[
        bool, typer.Option("--models/--no-models", help="Ask teacher, reader and judge, or nobody.")
    ] = True
    teacher: Annotated[str, typer.Option("--teacher", help="Model that grades passages.")] = (
        "smollm2"
    )
    reader: Annotated[str, typer.Option("--reader", help="Model that answers questions.")] = (
        "smollm2"
    )
    judge: Annotated[str, typer.Option("--judge", help="Model that gives verdicts.")] = "smollm2"
    limit: Annotated[
        int | None, typer.Option("--limit", help="Test claims that are read and judged.", min=1)
    ] = 8
    seed: Annotated[int, typer.Option("--seed", help="Seed of every random choice.")] = 0
    seeds: Annotated[int, typer.Option("--seeds", help="Trainings of each row.", min=1)] = 2
    cache: Cache = True
    train_claims: int = 300
    wice_train_rows: int = 240
    wice_rows: int | None = None
    synthetic: int = 500
    synthetic_tuned: bool = True
    scope: str = "head"
    query_format: QueryFormat = "space"
    batch: int = 64
    wice_batch: int = 48
    hard_negatives: int = 4
    rates: Sequence[float] = (3e-4, 1e-3)
    steps: Sequence[int] = (100, 400)
    dev_share: float = 0.2
    depth: int = 40
    teacher_mode: Mode = "pointwise"
    teacher_claims: int | None = 6
    windows: int = 5
    hi: float = HI
    lo: float = LO
    read: Sequence[str] = ("B1", "B4", "CFR", "C1")
    topk: int = 3
    answer_tokens: int = 48
    verdict_tokens: int = 96

    @property
    def every_seed(self) -> range:
        """Of the trainings."""
        return range(self.seed, self.seed + self.seeds)

    @property
    def base(self) -> str:
        """Row of the untuned encoder."""
        return "B2" if "contriever" in self.encoder else "B4"
