"""Settings of the study."""

import dataclasses
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from tenpapers.errors import UserError

from ..answering.settings import Style


def seconds(text: str) -> float:
    """`200`, `200s` or `5m` in seconds.

    Raises
    ------
    UserError : anything else.
    """
    unit = {"s": 1.0, "m": 60.0, "h": 3600.0}.get(text[-1:], 0.0)
    try:
        return float(text[:-1]) * unit if unit else float(text)
    except ValueError:
        raise UserError(f"--time-budget {text}: not a time", "e.g. 200s or 5m") from None


@dataclass(frozen=True)
class StudySettings:
    """What `reproduce` runs.

    Parameters
    ----------
    model : of the live part, a name of configs/models.yaml or a model spec; "" leaves it out.
    tasks : of the live part, `n` items each, in `settings`; few-shot only with demonstrations.
    budgets : new tokens of both arms; None for the tasks' own.
    small_window : budgets and demonstrations that fit a context of 4,096 tokens.
    plan_tasks, plan_n, plan_budget, plan_few_shot : of the comparison of planning and execution.
    wordings : tasks that are asked in every wording of the cue; wording_n items each.
    time_budget : seconds of the live part; it stops between batches. None for no limit.
    replay, literature : recorded pairs, else the published data's; CSV, else our own small one.
    resamples : of the bootstrap.
    """

    model: Annotated[str, typer.Option("--model", help="Of the live part: a spec, or a name.")] = (
        "smollm2"
    )
    n: Annotated[int | None, typer.Option("--limit", help="Live items a task.", min=1)] = None
    time_budget: Annotated[
        float | None,
        typer.Option(
            "--time-budget", help="Of the live part, e.g. 200s.", parser=seconds, metavar="TIME"
        ),
    ] = None
    seed: Annotated[int, typer.Option("--seed", help="Seed of every random choice.")] = 0
    tasks: tuple[str, ...] = ()
    settings: tuple[str, ...] = ("zs_direct", "zs_cot")
    budgets: tuple[int, int] | None = None
    small_window: bool = False
    style: Style = "unified"
    plan_tasks: tuple[str, ...] = ()
    plan_n: int | None = None
    plan_budget: int = 2048
    plan_few_shot: bool = True
    wordings: tuple[str, ...] = ()
    wording_n: int | None = None
    replay: Path | None = None
    literature: Path | None = None
    resamples: int = 1_000_000


def with_named_model(study: StudySettings) -> StudySettings:
    """The study with a model that configs/models.yaml names: its spec, window and style."""
    return dataclasses.replace(study, **named_models().get(study.model, {}))


def named_models() -> dict[str, dict[str, Any]]:
    """Models of the paper: spec, window and style by their short names."""
    content = files("tocot").joinpath("configs/models.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(content))
