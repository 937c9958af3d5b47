"""Settings of the commands that score heads, and of what counts as a set of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from tenpapers.errors import UserError

from ..inputs.token_spans import NeedleChoice
from ..training.settings import ExtendedModelSettings, MaxExamples, ModelSettings
from .head_sets import THRESHOLD, Rule
from .retrieval_score import Score

Probe = Literal["copy", "insight"]
Mode = Literal["teacher", "generate"]
ScoreKind = Annotated[
    Score, typer.Option(help="mean (in [0, 1]), wu-code (repeats count) or wu-set.")
]


@dataclass(frozen=True, kw_only=True)
class DetectSettings(ExtendedModelSettings):
    """How the heads of a model are scored on a dataset."""

    probe: Annotated[Probe, typer.Option(help="What counts: copies, or SummHay's insights.")] = (
        "copy"
    )
    mode: Annotated[
        Mode, typer.Option(help="Rows of the target, or of the model's own answers.")
    ] = "teacher"
    needles: Annotated[NeedleChoice, typer.Option(help="MuSiQue: whose answers count.")] = (
        "last-hop"
    )
    score: ScoreKind = "mean"
    ignore_first: Annotated[
        int, typer.Option(help="Leading tokens that count as nowhere.", min=0)
    ] = 0
    batch_size: Annotated[int, typer.Option(help="Examples a pass; 1 shares prefixes.", min=1)] = 1
    max_examples: MaxExamples = None


@dataclass(frozen=True, kw_only=True)
class NeedleSettings(ModelSettings):
    """The grid of needles and how its trials are scored."""

    haystack: Annotated[
        Path | None, typer.Option(help="Plain text; default: passages of our own.")
    ] = None
    needles: Annotated[
        Path | None, typer.Option(help="JSONL of needle, question, answer; default: three.")
    ] = None
    lengths: Annotated[str, typer.Option(help="Context lengths in tokens.")] = "512,768,1024"
    depths: Annotated[int, typer.Option(help="Depths from 0 to 100 %.", min=2)] = 10
    share_kv: Annotated[
        bool,
        typer.Option("--share-kv/--no-share-kv", help="One prefill for all cells (exact)."),
    ] = True
    multi_needle: Annotated[
        bool,
        typer.Option("--multi-needle", help="All needles of a length in one haystack (faster)."),
    ] = False
    chat: Annotated[
        bool | None,
        typer.Option("--chat/--no-chat", help="Chat template [for instruct and chat models]."),
    ] = None
    score: ScoreKind = "wu-code"  # of which 0.1 was published

    def key(self, command: str) -> dict[str, Any]:
        """See `BaseSettings.key`; the two files are inputs of the run."""
        from ..inputs.builders.build import named_for_chat

        chat = named_for_chat(self.model) if self.chat is None else self.chat
        return super().key(command) | {"chat": chat}


@dataclass(frozen=True, kw_only=True)
class SetRule:
    """Which heads are a set; one rule at a time."""

    threshold: Annotated[
        float | None, typer.Option(help="Heads that score at least so much (0.1).")
    ] = None
    top_k: Annotated[int | None, typer.Option(help="The k best heads instead.", min=1)] = None
    nonzero: Annotated[
        bool, typer.Option("--nonzero", help="All heads that score over 0 instead.")
    ] = False

    def arguments(self) -> Rule:
        """The rule as `head_set` takes it.

        Raises
        ------
        UserError : two rules.
        """
        if sum((self.threshold is not None, self.top_k is not None, self.nonzero)) > 1:
            raise UserError("--threshold, --top-k and --nonzero exclude each other")
        if self.top_k is not None:
            return {"top_k": self.top_k}
        if self.nonzero:
            return {"nonzero": True}
        return {"threshold": THRESHOLD if self.threshold is None else self.threshold}


@dataclass(frozen=True, kw_only=True)
class CompareSettings(SetRule):
    """A set of heads of each of two files."""

    allow_different_base: Annotated[
        bool,
        typer.Option("--allow-different-base", help="Compare heads of different base models."),
    ] = False
