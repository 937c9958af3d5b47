"""How a model is asked: the options of every command that samples; the defaults are the paper's."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer
from tenpapers.generation import Sampling

# `base` shows the problem alone, `prepend` the update's text before it.
Method = Literal["base", "prepend"]

Demo = Annotated[
    Path | None,
    typer.Option("--demo", help="Worked example of the prompts: arena file or raw JSON item."),
]
Prompts = Annotated[
    Path | None, typer.Option("--prompts", help="Folder of templates that replace ours.")
]


@dataclass(frozen=True)
class SampleSettings:
    """How often and how a prompt is asked."""

    samples: Annotated[int, typer.Option("-n", "--samples", help="Samples an example.", min=1)] = 5
    temperature: Annotated[float, typer.Option("--temperature", help="0 is greedy.", min=0)] = 0.8
    top_p: Annotated[
        float, typer.Option("--top-p", help="Nucleus of the sampling.", min=0, max=1)
    ] = 0.7
    max_tokens: Annotated[int, typer.Option("--max-tokens", help="New tokens a sample.", min=1)] = (
        512
    )
    seed: Annotated[
        int, typer.Option("--seed", help="Of the samples, which differ in their number.")
    ] = 42
    prompts: Prompts = None

    @property
    def sampling(self) -> Sampling:
        """What a generator wants to know of it; the number of the sample is each request's own."""
        return Sampling(
            temperature=self.temperature,
            top_p=self.top_p,
            max_tokens=self.max_tokens,
            seed=self.seed,
        )


@dataclass(frozen=True)
class ExtractionSettings:
    """How code is taken out of a model's text."""

    lenient: Annotated[
        bool, typer.Option("--lenient", help="Accept unclosed code blocks (not the paper's way).")
    ] = False
    official_extraction: Annotated[
        bool,
        typer.Option(
            "--official-extraction",
            help="The first block of the raw text, thoughts included (the paper's way).",
        ),
    ] = False


@dataclass(frozen=True)
class SolutionSettings(ExtractionSettings, SampleSettings):
    """How solutions of the benchmark's problems are asked for."""

    demo: Demo = None
