"""What the commands that ask a model are told."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer
from tenpapers.cli import Cache, Model, PromptsFolder, comma_separated
from tenpapers.errors import UserError

Style = Literal["unified", "prefill", "chat_only"]
DirectMode = Literal["generate", "logprob"]

Tasks = Annotated[str, typer.Option("--tasks", "--task", help="Tasks with commas between them.")]
SettingNames = Annotated[
    str, typer.Option("--settings", "--setting", help="With commas between them.")
]
Count = Annotated[int | None, typer.Option("-n", "--n", "--limit", help="Items a task.", min=1)]
DataFile = Annotated[
    Path | None, typer.Option("--data", help="JSONL of the task's rows or of TaskItems.")
]
DemosFile = Annotated[
    Path | None,
    typer.Option("--demos", help="TaskItems as demonstrations; `meta.rationale` for CoT."),
]
Budgets = Annotated[
    str | None, typer.Option("--budgets", help="New tokens: direct,CoT [the task's].")
]
OrderSeed = Annotated[int, typer.Option("--seed", help="Seed of the order of the items.")]


@dataclass(frozen=True)
class PromptSettings:
    """Which items are shown to a model, and in which words."""

    tasks: Tasks = ""
    settings: SettingNames = "zs_direct,zs_cot"
    n: Count = None
    data: DataFile = None
    demos: DemosFile = None
    style: Annotated[Style, typer.Option("--style", help="Of the prompts.")] = "unified"
    small_window: Annotated[
        bool,
        typer.Option(
            "--small-window", help="Budgets and demonstrations for 4,096 tokens of context."
        ),
    ] = False
    prompts: PromptsFolder = None
    seed: OrderSeed = 0

    @property
    def task_names(self) -> list[str]:
        """The tasks.

        Raises
        ------
        UserError : none.
        """
        chosen = comma_separated(self.tasks)
        if not chosen:
            raise UserError("which tasks?", "--tasks csqa,gsm8k; `tocot tasks` lists them")
        return chosen

    @property
    def setting_names(self) -> list[str]:
        """The settings, in the order in which they are asked."""
        return comma_separated(self.settings)


@dataclass(frozen=True)
class RunSettings(PromptSettings):
    """How a model is asked."""

    model: Model = "smollm2"
    budgets: Budgets = None
    da_mode: Annotated[
        DirectMode,
        typer.Option("--da-mode", help="Direct answers by generation, or by labels' likelihood."),
    ] = "generate"
    judge: Annotated[
        str | None, typer.Option("--judge", help="Model spec: short answers, free replies.")
    ] = None
    cache: Cache = True


@dataclass(frozen=True)
class WordingSettings:
    """How the wordings of the zero-shot cue are compared."""

    model: Model = "smollm2"
    tasks: Tasks = ""
    n: Count = None
    data: DataFile = None
    budgets: Budgets = None
    prompts: PromptsFolder = None
    seed: OrderSeed = 0
    cache: Cache = True


def two_budgets(text: str | None) -> tuple[int, int] | None:
    """New tokens of a direct answer and of a chain of thought: "16,96".

    Raises
    ------
    UserError : anything but two whole numbers.
    """
    if text is None:
        return None
    try:
        direct, cot = (int(part) for part in text.split(","))
    except ValueError:
        raise UserError(f"--budgets {text}: not two whole numbers", "e.g. 16,96") from None
    return direct, cot
