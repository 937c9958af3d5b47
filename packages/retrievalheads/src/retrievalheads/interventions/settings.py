"""Settings of the commands that switch heads off or patch them."""

from dataclasses import dataclass
from typing import Annotated, Literal

import typer

from ..heads.settings import CompareSettings
from ..training.settings import BaseSettings, ExtendedModelSettings, MaxExamples

Kind = Literal["zero", "uniform", "mean"]
Scope = Literal["all", "decode"]
Positions = Literal["all", "decode"]
ScopeOption = Annotated[
    Scope, typer.Option(help="Every token, or from the last prompt token on (Wu et al.).")
]


@dataclass(frozen=True, kw_only=True)
class EvaluateSettings(ExtendedModelSettings):
    """Who answers, and without which heads."""

    engine: Annotated[Literal["hf", "vllm"], typer.Option(help="Who runs the model.")] = "hf"
    knockout: Annotated[
        str | None, typer.Option(help="Heads to switch off: 18-6,23-2 or scores.json:10.")
    ] = None
    kind: Annotated[
        Literal["zero", "uniform"], typer.Option("--kind", help="What a head that is off gives.")
    ] = "zero"
    scope: ScopeOption = "all"
    max_examples: MaxExamples = None


@dataclass(frozen=True, kw_only=True)
class KnockoutSettings(ExtendedModelSettings):
    """How many heads are switched off, how, and against which controls."""

    k: Annotated[str, typer.Option(help="Heads to switch off.")] = "0,5,10,20,30,50,100"
    control_seeds: Annotated[int, typer.Option(help="Random controls a k.", min=0)] = 3
    kind: Annotated[Kind, typer.Option("--kind", help="What a head that is off gives.")] = "zero"
    scope: ScopeOption = "all"
    match_layers: Annotated[
        bool, typer.Option("--match-layers", help="Controls in the layers of the top heads.")
    ] = False
    threshold: Annotated[
        float, typer.Option(help="Controls score less than this (and are not in the top 100).")
    ] = 0.1
    answers: Annotated[
        bool, typer.Option("--answers/--no-answers", help="Also decode; else token accuracy only.")
    ] = True
    max_examples: MaxExamples = None


@dataclass(frozen=True, kw_only=True)
class PatchSettings(CompareSettings, BaseSettings):
    """Which heads take activations of the other adapter, and where."""

    positions: Annotated[
        Positions, typer.Option(help="Every token, or from the last prompt token on.")
    ] = "all"
    match_size: Annotated[
        bool, typer.Option("--match-size/--no-match-size", help="As many heads in every arm.")
    ] = True
    seed: Annotated[int, typer.Option(help="Of the random arm.")] = 0
    max_examples: MaxExamples = None
