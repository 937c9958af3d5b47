"""What the commands that sample a model are told."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Cache, Limit, Model, PromptsFolder, Seed

from .methods import MethodName

# The paper's sampling: its section on the experimental set-up, as its code has it.
NEW_TOKENS, CONTEXT = 700, 4096
PENALTY = 1.1

InstancesFile = Annotated[Path, typer.Argument(help="JSONL of prompts (`messages` or `prompt`).")]
Context = Annotated[
    int, typer.Option("--context", help="Tokens of prompt and answer together.", min=1)
]
TokenizerName = Annotated[
    str | None,
    typer.Option("--tokenizer", help="Counts a prompt's tokens where the model is on a server."),
]


@dataclass(frozen=True)
class GenerateSettings:
    """Which model is sampled on which prompts, and what it is shown."""

    instances: InstancesFile
    model: Model = "smollm2"
    method: Annotated[
        MethodName, typer.Option("--method", help="What the model is shown before each prompt.")
    ] = "base"
    teacher: Annotated[
        Path | None,
        typer.Option("--teacher", help="Samples of the aligned model, whose answers are shown."),
    ] = None
    demos: Annotated[
        Path | None,
        typer.Option("--demos", help="Three answered queries of `make-demos`; default: ours."),
    ] = None
    summaries: Annotated[
        Path | None,
        typer.Option("--summaries", help="Of `summarize`: hints of what the answer should say."),
    ] = None
    embeddings: Annotated[
        Path | None,
        typer.Option("--embeddings", help=".npz of `embed`; default: --encoder makes them."),
    ] = None
    encoder: Annotated[
        str, typer.Option("--encoder", help="minilm, e5-mistral, a folder or a hub id.")
    ] = "minilm"
    k: Annotated[int, typer.Option("-k", help="Other queries that are shown.", min=1)] = 3
    n: Annotated[int, typer.Option("-n", help="Samples of a prompt.", min=1)] = 5
    temperature: Annotated[
        float, typer.Option("--temperature", help="0 is greedy (then -n 1).", min=0)
    ] = 0.5
    max_new_tokens: Annotated[
        int, typer.Option("--max-new-tokens", help="Of an answer, at most.", min=1)
    ] = NEW_TOKENS
    repetition_penalty: Annotated[
        float | None,
        typer.Option(
            "--repetition-penalty", help="1 is off [1.1; off for a server's models].", min=0.1
        ),
    ] = None
    context: Context = CONTEXT
    tokenizer: TokenizerName = None
    prompts: PromptsFolder = None
    limit: Limit = None
    seed: Seed = 0
    cache: Cache = True


@dataclass(frozen=True)
class SummarizeSettings:
    """Which answers are summarised, by which model."""

    samples: Annotated[Path, typer.Argument(help="JSONL of samples; the first of each counts.")]
    judge: Annotated[str, typer.Option("--judge", help="Model spec of the one that summarises.")]
    instances: Annotated[
        Path | None,
        typer.Option("--instances", help="JSONL of the prompts, where the samples have none."),
    ] = None
    prompts: PromptsFolder = None
    limit: Limit = None
    seed: Seed = 0
    cache: Cache = True


@dataclass(frozen=True)
class DemoSettings:
    """Which model answers the three queries that static prompts show."""

    teacher: Annotated[str, typer.Option("--teacher", help="Model spec of the aligned model.")]
    judge: Annotated[
        str | None,
        typer.Option("--judge", help="Model spec that summarises the answers; default: --teacher."),
    ] = None
    max_new_tokens: Annotated[
        int, typer.Option("--max-new-tokens", help="Of an answer, at most.", min=1)
    ] = NEW_TOKENS
    prompts: PromptsFolder = None
    seed: Seed = 0
    cache: Cache = True
