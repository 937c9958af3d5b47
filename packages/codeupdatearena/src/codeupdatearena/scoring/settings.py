"""How predictions and edited models are scored: options, YAML keys and defaults in one record."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..execution.settings import BarrierSettings, Isolation, SandboxSettings, Workers
from ..sampling.settings import ExtractionSettings, SampleSettings
from .criteria import Criterion

if TYPE_CHECKING:
    from tenpapers.sandbox import SandboxPool


@dataclass(frozen=True)
class EvaluateSettings(ExtractionSettings, SandboxSettings):
    """How predictions are executed and counted."""

    full_report: Annotated[
        bool, typer.Option("--full-report", help="Every test in both modes: all diagnostics.")
    ] = False
    criterion: Annotated[
        Criterion, typer.Option("--criterion", help="Criterion of the headline.")
    ] = "official"
    k: Annotated[list[int] | None, typer.Option("-k", help="Default 1, 2, 5 up to n.", min=1)] = (
        None
    )
    keep_output: Annotated[
        bool, typer.Option("--keep-output", help="All that failing programs print into reports.")
    ] = False
    flags: Annotated[
        Path | None, typer.Option("--flags", help="flags.json of `verify` (strict: else made).")
    ] = None
    isolation: Annotated[
        Isolation, typer.Option("--isolation", help="A process for each test, or each sample.")
    ] = "test"
    cold: Annotated[bool, typer.Option("--cold", help="Preload no library.")] = False
    exclude_known: Annotated[
        bool, typer.Option("--exclude-known", help="Leave known-bad instances out.")
    ] = False
    allow_partial: Annotated[
        bool, typer.Option("--allow-partial", help="Accept fewer samples for some examples.")
    ] = False
    map: Annotated[
        list[str] | None,
        typer.Option("--map", help="THEIRS=OURS: a field of another name; repeat for more."),
    ] = None
    seed: Annotated[int, typer.Option("--seed", help="Of the bootstrap.")] = 42


@dataclass(frozen=True)
class SpecificitySettings(BarrierSettings, SampleSettings):
    """How edited models are asked HumanEval tasks."""

    edits: Annotated[int, typer.Option("--edits", help="Edited models to ask.", min=1)] = 25
    updates: Annotated[
        Path | None, typer.Option("--updates", help="JSON list of update ids to take edits of.")
    ] = None
    workers: Workers = None

    def open_pool(self, hidden: Sequence[Path]) -> "SandboxPool":
        """Start the workers; `hidden` are files that hold answers."""
        from tenpapers.sandbox import SandboxPool

        return SandboxPool(workers=self.workers, barriers=self.barriers, hidden=hidden)
