"""Settings of the study; `configs/*.yaml` hold the two scales."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Cache, Data, Seed

from ..scoring.similarity import METRICS
from ..scoring.tokens import Tokenizer

Encoder = Annotated[
    str,
    typer.Option("--encoder", help="Of cosines and BERTScore: minilm, or a folder or hub id."),
]
Semantic = Annotated[
    bool, typer.Option("--semantic/--no-semantic", help="Embed responses (cosines), or do not.")
]
SemanticQuestions = Annotated[
    int,
    typer.Option(
        "--semantic-questions",
        help="Questions whose responses are embedded, evenly spread; 0: all.",
        min=0,
    ),
]
Live = Annotated[
    bool, typer.Option("--live/--no-live", help="Also sample models now, on a few questions.")
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
    semantic_questions: SemanticQuestions = 0
    cache: Cache = True
    draws: Draws = 2000
    live: Live = False
    live_model: Annotated[
        str, typer.Option("--live-model", help="--live: model spec of the aligned model.")
    ] = "smollm2"
    live_base: Annotated[
        str, typer.Option("--live-base", help="--live: model spec of its base model.")
    ] = "smollm2"
    live_questions: Annotated[
        int, typer.Option("--live-questions", help="--live: contested questions; 0: all.", min=0)
    ] = 4
    live_samples: Annotated[
        int, typer.Option("--live-samples", help="--live: samples of a question.", min=2)
    ] = 3
    live_tokens: Annotated[
        int, typer.Option("--live-tokens", help="--live: tokens of an answer, at most.", min=1)
    ] = 48
    seed: Seed = 0


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
    semantic_questions: SemanticQuestions = 100
    cache: Cache = True
    draws: Draws = 2000
    seed: Seed = 0
