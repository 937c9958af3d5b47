"""What the commands on recorded responses are told."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

Policy = Literal["wrong", "guess", "drop"]
Grading = Literal["ours", "logged"]
TextMatch = Literal["equal", "substring"]
MathGrading = Literal["verify", "official"]
GroupBy = Literal["five", "meta", "task"]
Parts = Literal["merged", "separate"]
Correction = Literal["bonferroni", "none"]
Scope = Literal["both", "question", "response", "paper-code"]

PolicyOption = Annotated[
    Policy, typer.Option("--unparseable", help="Credit of an unparseable response.")
]
# Commands that read what `score` wrote take its policy unless they are told another.
CarriedPolicy = Annotated[
    Policy | None,
    typer.Option(
        "--unparseable",
        help="Credit of an unparseable response [that of a scored folder, else wrong].",
    ),
]
Resampling = Annotated[int, typer.Option("--seed", help="Seed of the resampling.")]


@dataclass(frozen=True)
class GradingSettings:
    """How responses are graded."""

    grading: Annotated[
        Grading, typer.Option("--grading", help="By our gold-blind extractor, or the logged flags.")
    ] = "ours"
    items: Annotated[
        Path | None,
        typer.Option("--items", help="Task items with gold answers, for outputs without them."),
    ] = None
    task: Annotated[str, typer.Option("--task", help="Of rows that do not say their own.")] = ""
    setting: Annotated[
        str, typer.Option("--setting", help="Of such rows: zs_direct, zs_cot, fs_direct, ...")
    ] = ""


@dataclass(frozen=True)
class ScoreSettings(GradingSettings):
    """How responses are graded and counted."""

    unparseable: PolicyOption = "wrong"
    text_match: Annotated[
        TextMatch,
        typer.Option("--text-match", help="Of free text; substring is the paper's for BBH."),
    ] = "equal"
    math: Annotated[
        MathGrading,
        typer.Option("--math", help="Math answers by Math-Verify, or by the official normaliser."),
    ] = "verify"


@dataclass(frozen=True)
class ReportSettings(GradingSettings):
    """What a report shows."""

    group: Annotated[
        GroupBy, typer.Option("--group", help="The paper's five, categories of the literature.")
    ] = "five"
    unparseable: CarriedPolicy = None
    parts: Annotated[Parts, typer.Option("--parts", help="Of LSAT, MuSR, ContextHub.")] = "merged"
    literature: Annotated[
        Path | None, typer.Option("--literature", help="CSV for the left panel of fig1.png.")
    ] = None
    seed: Resampling = 0


@dataclass(frozen=True)
class SignificanceSettings(GradingSettings):
    """Which gains are tested, and at which level."""

    test: Annotated[
        Literal["bootstrap"], typer.Option("--test", help="McNemar's stands beside it.")
    ] = "bootstrap"
    family: Annotated[
        str, typer.Option("--family", help="Groups: commonsense,knowledge,soft,...; all.")
    ] = ""
    correction: Annotated[Correction, typer.Option("--correction", help="Of the level.")] = (
        "bonferroni"
    )
    alpha: Annotated[float, typer.Option("--alpha", help="Family-wise level.")] = 0.05
    resamples: Annotated[int, typer.Option("--resamples", help="Of the bootstrap.", min=1)] = (
        1_000_000
    )
    unparseable: CarriedPolicy = None
    seed: Resampling = 0


@dataclass(frozen=True)
class EqualsSettings(GradingSettings):
    """Where an equals sign is looked for."""

    scope: Annotated[Scope, typer.Option("--scope", help="Text that is searched.")] = "both"
    include_choices: Annotated[
        bool, typer.Option("--include-choices", help="Look into the options too.")
    ] = False
    classifier: Annotated[
        bool, typer.Option("--classifier", help="Also tf-idf against the sign: where CoT helps.")
    ] = False


@dataclass(frozen=True)
class AdviceSettings(GradingSettings):
    """At which level advice is given."""

    alpha: Annotated[float, typer.Option("--alpha", help="Level of the tests.")] = 0.05
    seed: Resampling = 0
