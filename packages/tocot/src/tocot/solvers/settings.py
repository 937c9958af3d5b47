"""What the commands on plans are told."""

from dataclasses import dataclass
from typing import Annotated, Literal

import typer
from tenpapers.cli import Cache, Model, PromptsFolder, comma_separated

from ..answering.settings import Budgets, Count, DataFile, DemosFile, OrderSeed, SettingNames

PlanKind = Literal["python", "bool", "fol"]
Domain = Literal["open", "closed"]
PLAN_BUDGET = 2048


@dataclass(frozen=True)
class PlanSettings:
    """How planning and execution are told apart on one task."""

    model: Model = "smollm2"
    task: Annotated[
        str, typer.Option("--task", help="gsm8k, gsm8k_hard, contexthub_..., folio.")
    ] = "gsm8k"
    settings: SettingNames = "da,cot,plan_direct,plan_cot,plan_tool"
    n: Count = None
    data: DataFile = None
    demos: DemosFile = None
    few_shot: Annotated[
        bool, typer.Option("--few-shot/--zero-shot", help="Form of da and cot.")
    ] = True
    budget: Annotated[int, typer.Option("--budget", help="New tokens of a plan.", min=8)] = (
        PLAN_BUDGET
    )
    budgets: Budgets = None
    domain: Annotated[Domain, typer.Option("--domain", help="Of folio's things.")] = "open"
    prompts: PromptsFolder = None
    seed: OrderSeed = 0
    cache: Cache = True

    @property
    def setting_names(self) -> list[str]:
        """The settings, in the order in which they are asked."""
        return comma_separated(self.settings)
