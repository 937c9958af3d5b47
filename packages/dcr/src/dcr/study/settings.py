"""Settings of the study; `configs/*.yaml` hold the two scales."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Cache, Data


@dataclass(frozen=True)
class Study:
    """What `reproduce` runs.

    Parameters
    ----------
    seeds : sets of errors that are put into the sentences; a claim must hold on each.
    samples : refinements that a model draws of each response.
    new_tokens, judge_tokens : of an answer, at most.
    document_words : longest document that the models are shown; longer ones are passed over.
    metrics : of what the models refined, see `dcr evaluate`.
    """

    data: Data = None
    limit: Annotated[
        int | None,
        typer.Option("--limit", help="FaithBench rows, for a trial.", min=20),
    ] = None
    seed: Annotated[int, typer.Option("--seed", help="Seed of every random choice.", min=0)] = 42
    seeds: Annotated[int, typer.Option("--seeds", help="Sets of injected errors.", min=1)] = 2
    draws: Annotated[int, typer.Option("--draws", help="Draws of an interval.", min=1)] = 1000
    models: Annotated[
        bool, typer.Option("--models/--no-models", help="Run language models, or none.")
    ] = True
    instances: Annotated[
        int,
        typer.Option("--instances", help="Responses that models refine; 0: all.", min=0),
    ] = 4
    responses: Annotated[
        Path | None,
        typer.Option("--responses", help="What models refine (JSONL); default: FaithBench's."),
    ] = None
    detector: Annotated[str, typer.Option("--detector", help="Detector of the models' part.")] = (
        "lexical"
    )
    critic: Annotated[str, typer.Option("--critic", help="Model spec of the critic.")] = "smollm2"
    refiner: Annotated[str, typer.Option("--refiner", help="Model spec of the refiner.")] = (
        "smollm2"
    )
    judge: Annotated[
        str | None, typer.Option("--judge", help="Model spec of the judge; default: nobody.")
    ] = None
    metrics: str = "edits,rouge"
    aligner: str = "alignscore-large"
    samples: int = 1
    new_tokens: int = 64
    judge_tokens: int = 500
    document_words: int = 120
    cache: Cache = True

    @property
    def every_seed(self) -> Sequence[int]:
        """Of the injected errors."""
        return range(self.seed, self.seed + self.seeds)
