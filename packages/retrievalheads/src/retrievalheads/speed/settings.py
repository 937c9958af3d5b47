"""Settings of the benchmark."""

from dataclasses import dataclass
from typing import Annotated

import typer

from ..training.settings import Model


@dataclass(frozen=True)
class BenchSettings:
    """The grid that every detector reads, and the length of the memory comparison."""

    model: Model = "smollm2"
    lengths: Annotated[str, typer.Option(help="Tokens of the grid.")] = "256,512,1024"
    depths: Annotated[int, typer.Option(help="Depths of the grid.", min=2)] = 10
    needles: Annotated[int, typer.Option(help="Needles.", min=1, max=3)] = 3
    threads: Annotated[str, typer.Option(help="Numbers of threads to time with.")] = "2,1"
    timed_tokens: Annotated[
        int, typer.Option(help="Tokens that are scored to time one length, in passes.", min=1)
    ] = 4096
    memory_tokens: Annotated[int, typer.Option(help="Length of the memory comparison.", min=64)] = (
        4096
    )
