"""What the commands `refine` and `apply` are told."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from tenpapers.cli import Limit

from ..critique.critic import CritiqueParts
from ..records import Recipe
from .refiner import RefinerOptions

RefinerSpec = Annotated[
    str, typer.Option("--refiner", help="Model spec, adapter folder, or span-edit.")
]
Samples = Annotated[
    int, typer.Option("--samples", help="Refinements drawn; the fewest edits win.", min=1)
]


@dataclass(frozen=True, kw_only=True)
class ApplySettings(RefinerOptions):
    """Which criticised responses are refined, by whom."""

    critiqued: Annotated[Path, typer.Argument(help="JSONL of criticised responses.")]
    refiner: RefinerSpec
    samples: Samples = 1
    limit: Limit = None


@dataclass(frozen=True, kw_only=True)
class RefineSettings(RefinerOptions):
    """Which responses are refined, and by which recipe."""

    responses: Annotated[Path | None, typer.Argument(help="JSONL of documents and responses.")] = (
        None
    )
    refiner: RefinerSpec
    recipe: Annotated[Recipe, typer.Option("--recipe", help="Which steps there are.")] = "dcr"
    detector: Annotated[
        str,
        typer.Option(
            "--detector",
            help="minicheck-flan-t5-large, ..., llm:MODEL, lexical[:PATH], path:DIR.",
        ),
    ] = "minicheck-flan-t5-large"
    critic: Annotated[
        str | None,
        typer.Option(
            "--critic",
            help="Model spec, adapter folder, occlusion, shepherd[:SPEC], ultracm[:SPEC].",
        ),
    ] = None
    document: Annotated[
        Path | None, typer.Option("--document", help="One document: text or Markdown.")
    ] = None
    response: Annotated[
        Path | None, typer.Option("--response", help="The response to it: text or Markdown.")
    ] = None
    topic: Annotated[
        str | None, typer.Option("--topic", help="What the one response is about.")
    ] = None
    instruction: Annotated[
        str | None, typer.Option("--instruction", help="What the one response answers.")
    ] = None
    threshold: Annotated[
        float,
        typer.Option("--threshold", help="Supported is what is above.", min=0, max=1),
    ] = 0.5
    min_words: Annotated[
        int, typer.Option("--min-words", help="Shorter sentences count as supported.", min=0)
    ] = 3
    parts: CritiqueParts = "span,reason,fix"
    samples: Samples = 1
    limit: Limit = None
