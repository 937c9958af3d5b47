"""What `dcr detect` is told."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Cache, Limit, PromptsFolder, Seed

from .detector import BATCH_TOKENS, MIN_WORDS, THRESHOLD

DetectorOption = Annotated[
    str,
    typer.Option(
        "--detector",
        help="minicheck-flan-t5-large, minicheck-roberta-large, minicheck-deberta-v3-large, "
        "bespoke-minicheck-7b, llm:MODEL, path:FOLDER, or lexical[:FILE], which needs no hub.",
    ),
]


@dataclass(frozen=True)
class DetectSettings:
    """Which responses are looked at, and by what."""

    instances: Annotated[
        Path, typer.Argument(metavar="INPUT", help="JSONL of documents and responses.")
    ]
    detector: DetectorOption = "minicheck-flan-t5-large"
    threshold: Annotated[
        float, typer.Option(help="A probability over this is a support.", min=0, max=1)
    ] = THRESHOLD
    min_words: Annotated[
        int, typer.Option(help="A sentence of fewer words counts as supported.", min=0)
    ] = MIN_WORDS
    batch_tokens: Annotated[
        int, typer.Option(help="Tokens of a batch, with its padding.", min=1)
    ] = BATCH_TOKENS
    prompts: PromptsFolder = None
    limit: Limit = None
    seed: Seed = 42
    cache: Cache = True
