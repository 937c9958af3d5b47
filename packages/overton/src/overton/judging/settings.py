"""What the judges are told."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Cache, Limit, PromptsFolder, Seed

from ..records import JudgeKind

# A judge's answer, in tokens, as in the paper's code.
VERDICT_TOKENS, SUMMARY_TOKENS = 1024, 256

KindArgument = Annotated[JudgeKind, typer.Argument(help="What is judged.")]


@dataclass(frozen=True)
class JudgeSettings:
    """Which samples are judged, by whom."""

    kind: KindArgument
    samples: Annotated[Path, typer.Argument(help="JSONL of samples.")]
    judge: Annotated[str, typer.Option("--judge", help="Model spec, replay:FILE, or local-stance.")]
    reference: Annotated[
        Path | None,
        typer.Option("--reference", help="Of pairs: samples whose first is compared with."),
    ] = None
    instances: Annotated[
        Path | None,
        typer.Option("--instances", help="JSONL of the prompts, where the samples have none."),
    ] = None
    first: Annotated[
        int | None, typer.Option("--first", help="Judge only the first N samples of each.", min=1)
    ] = None
    max_new_tokens: Annotated[
        int, typer.Option("--max-new-tokens", help="Of a verdict, at most.", min=1)
    ] = VERDICT_TOKENS
    prompts: PromptsFolder = None
    limit: Limit = None
    seed: Seed = 0
    cache: Cache = True
