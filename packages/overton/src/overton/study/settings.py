"""Settings of the study; `configs/*.yaml` hold the two scales."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Cache, Data

from ..scoring.similarity import METRICS
from ..scoring.tokens import Tokenizer

Encoder = Annotated[
    str,
    typer.Option("--encoder", help="Of cosines and BERTScore: minilm, or a folder or hub id."),
]
Semantic = Annotated[
    bool, typer.Option("--semantic/--no-semantic", help="Embed responses (cosines), or do not.")
]
Draws = Annotated[int, typer.Option("--draws", help="Draws of a bootstrap interval.", min=0)]
Reference = Annotated[
    Path | None,
    typer.Option("--reference", help="Samples of the aligned model; default: the last file."),
]
Verdicts = Annotated[
    list[Path] | None,
    typer.Option("--judgements", help="A judge's verdicts on one of the models; repeatable."),
]
SeedOption = Annotated[int, typer.Option("--seed", help="Seed of every random choice.")]
KeepFence = Annotated[
    bool,
    typer.Option("--keep-fence", help="Leave the code fence with which base models close."),
]
TokenizerOption = Annotated[
    Tokenizer, typer.Option("--tokenizer", help="Words: ours, or the paper's own code's.")
]


@dataclass(frozen=True)
class Study:
    """What `reproduce` runs."""

    data: Data = None
    semantic: Semantic = True
    cache: Cache = True
    draws: Draws = 2000
    seed: SeedOption = 0


@dataclass(frozen=True)
class AnalysisSettings:
    """What `analyse` measures."""

    reference: Reference = None
    judgements: Verdicts = None
    tokenizer: TokenizerOption = "simple"
    keep_fence: KeepFence = False
    metric: Annotated[
        str, typer.Option("--metric", help=f"Similarities, of {', '.join(METRICS)}.")
    ] = "jaccard,rougeL,cos"
    encoder: Encoder = "minilm"
    semantic_questions: Annotated[
        int,
        typer.Option(
            "--semantic-questions",
            help="Questions whose responses are embedded, evenly spread; 0: all.",
            min=0,
        ),
    ] = 100
    cache: Cache = True
    draws: Draws = 2000
    seed: SeedOption = 0
