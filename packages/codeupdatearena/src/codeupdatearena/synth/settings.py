"""How updates and problems are invented: options, YAML keys and defaults in one record."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Model

from ..execution.settings import LibrarySettings
from ..sampling.settings import Prompts


@dataclass(frozen=True, kw_only=True)
class SynthSettings(LibrarySettings):
    """How the model that invents is asked.

    The paper gives a response what is left of 8,191 tokens; a fixed length serves models of any
    context.
    """

    model: Model
    max_tokens: Annotated[
        int, typer.Option("--max-tokens", help="New tokens a response.", min=1)
    ] = 2048
    seed: Annotated[
        int, typer.Option("--seed", help="Of the samples; attempts differ in their number.")
    ] = 42
    prompts: Prompts = None


@dataclass(frozen=True, kw_only=True)
class UpdateSettings(SynthSettings):
    """Which updates are invented, and when one is accepted."""

    functions: Annotated[
        list[str] | None, typer.Option("--function", help="Dotted path; repeat for more.")
    ] = None
    sheets: Annotated[
        Path | None, typer.Option("--sheets", help="JSONL of function sheets (else made).")
    ] = None
    types: Annotated[
        list[str] | None, typer.Option("--type", help="Update type; repeat; default all 17.")
    ] = None
    count: Annotated[int, typer.Option("-n", help="Updates a function and type.", min=1)] = 1
    threshold: Annotated[
        float, typer.Option("--threshold", help="Least share of tests passed.", min=0, max=1)
    ] = 0.7


@dataclass(frozen=True, kw_only=True)
class ProblemSettings(SynthSettings):
    """How many problems an update gets, and when one is accepted."""

    count: Annotated[int, typer.Option("-n", help="Problems an update.", min=1)] = 5
    # 0.7 in the paper's code, "60%+" in its figure of the pipeline.
    threshold: Annotated[
        float, typer.Option("--threshold", help="Least share of tests passed.", min=0, max=1)
    ] = 0.6
