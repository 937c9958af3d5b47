"""Settings of the study; `configs/*.yaml` hold the two scales."""

from dataclasses import dataclass
from typing import Annotated

import typer
from tenpapers.cli import Data, Limit


@dataclass(frozen=True)
class Study:
    """What `reproduce` runs."""

    data: Data = None
    limit: Limit = None
    seed: Annotated[int, typer.Option(help="Seed of every random choice.")] = 0
