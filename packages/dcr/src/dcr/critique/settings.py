"""What the command `critique` is told."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Limit

from .critic import Asking, CritiqueParts

CriticSpec = Annotated[
    str,
    typer.Option(
        "--critic", help="Model spec, adapter folder, occlusion, shepherd[:SPEC], ultracm[:SPEC]."
    ),
]


@dataclass(frozen=True, kw_only=True)
class CritiqueSettings(Asking):
    """Which responses are criticised, by whom."""

    detected: Annotated[Path, typer.Argument(help="JSONL of detected responses.")]
    critic: CriticSpec
    all_sentences: Annotated[
        bool, typer.Option("--all-sentences", help="Criticise supported sentences too.")
    ] = False
    parts: CritiqueParts = "span,reason,fix"
    detector: Annotated[
        str | None,
        typer.Option("--detector", help="Of the critic occlusion; default: that of the rows."),
    ] = None
    limit: Limit = None
