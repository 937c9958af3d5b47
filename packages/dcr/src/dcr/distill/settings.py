"""What the stages of distillation are told."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Cache, Limit, Model, PromptsFolder, Seed

from ..critique.critic import MAX_NEW_TOKENS, Asking, CritiqueParts, MaxNewTokens, Showing

Teacher = Annotated[str, typer.Option("--teacher", help="Model spec of the teacher.")]
Temperature = Annotated[float, typer.Option("--temperature", help="Of sampling.", min=0)]


@dataclass(frozen=True)
class GenerateSettings:
    """Which documents are responded to, by whom."""

    sources: Annotated[Path, typer.Argument(help="JSONL: id, document with topic, or instruction.")]
    model: Model
    temperature: Temperature = 0.7
    max_new_tokens: MaxNewTokens = MAX_NEW_TOKENS
    prompts: PromptsFolder = None
    limit: Limit = None
    seed: Seed = 42
    cache: Cache = True


@dataclass(frozen=True)
class FilterSettings:
    """Which responses are labelled, by which detector."""

    initial: Annotated[Path, typer.Argument(help="JSONL of initial responses.")]
    detector: Annotated[str, typer.Option("--detector", help="See `dcr detect`.")] = (
        "minicheck-flan-t5-large"
    )
    limit: Limit = None
    seed: Seed = 42


@dataclass(frozen=True, kw_only=True)
class FeedbackSettings(Asking):
    """Which responses a teacher criticises."""

    filtered: Annotated[Path, typer.Argument(help="JSONL of labelled responses.")]
    teacher: Teacher
    temperature: Temperature = 1.0
    limit: Limit = None


@dataclass(frozen=True, kw_only=True)
class ReviseSettings(Asking):
    """Which responses a teacher refines."""

    feedback: Annotated[Path, typer.Argument(help="JSONL of responses with teacher feedback.")]
    teacher: Teacher
    temperature: Temperature = 1.0
    limit: Limit = None


@dataclass(frozen=True, kw_only=True)
class BuildSettings(Showing):
    """Which responses become training rows."""

    revised: Annotated[Path, typer.Argument(help="JSONL of responses with teacher refinements.")]
    parts: CritiqueParts = "span,reason,fix"
    limit: Limit = None
    seed: Seed = 42
