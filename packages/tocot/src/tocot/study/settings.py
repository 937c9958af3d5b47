"""Settings of the study."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field
from tenpapers.errors import UserError
from tenpapers.records import Record
from tenpapers.settings import load_config


class Study(Record):
    """What `reproduce` runs.

    Parameters
    ----------
    model : of the live part, a name of configs/models.yaml or a model spec; "" leaves it out.
    small_window : budgets and demonstrations that fit a context of 4,096 tokens.
    tasks : of the live part, `n` items each, in `settings`; few-shot only with demonstrations.
    budgets : new tokens of both arms; None for the tasks' own.
    style : of the prompts.
    plan_tasks, plan_n, plan_budget, plan_few_shot : of part D.
    wordings : tasks of part E; wording_n items each.
    time_budget : seconds of the live part; it stops between batches. None for no limit.
    replay, literature : recorded pairs and CSV; None takes the shared data.
    resamples : of the bootstrap.
    """

    model: str = "smollm2"
    tasks: list[str] = Field(default_factory=list)
    n: int | None = None
    settings: list[str] = Field(default_factory=lambda: ["zs_direct", "zs_cot"])
    budgets: tuple[int, int] | None = None
    small_window: bool = False
    style: str = "unified"
    plan_tasks: list[str] = Field(default_factory=list)
    plan_n: int | None = None
    plan_budget: int = 2048
    plan_few_shot: bool = True
    wordings: list[str] = Field(default_factory=list)
    wording_n: int | None = None
    time_budget: float | None = None
    replay: Path | None = None
    literature: Path | None = None
    resamples: int = 1_000_000
    seed: int = 0


def read_study(
    scale: str,
    config: Path | None,
    *,
    model: str | None,
    seed: int | None,
    limit: int | None,
    time_budget: float | None,
) -> Study:
    """Settings of a scale (cpu, paper) or of a file; flags win, a named model brings its own.

    Raises
    ------
    UserError : unknown scale, a file that does not fit.
    """
    if config is None:
        if scale not in ("cpu", "paper"):
            raise UserError(f"--scale {scale}: unknown", "cpu or paper")
        config = Path(str(files("tocot").joinpath(f"configs/{scale}.yaml")))
    study = load_config(Study, config, model=model, seed=seed, n=limit, time_budget=time_budget)
    return study.model_copy(update=named_models().get(study.model, {}))


def named_models() -> dict[str, dict[str, Any]]:
    """Models of the paper: spec, window and style by their short names."""
    content = files("tocot").joinpath("configs/models.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(content))


def seconds(text: str | None) -> float | None:
    """`200`, `200s` or `5m` in seconds.

    Raises
    ------
    UserError : anything else.
    """
    if text is None:
        return None
    unit = {"s": 1.0, "m": 60.0, "h": 3600.0}.get(text[-1:], 0.0)
    try:
        return float(text[:-1]) * unit if unit else float(text)
    except ValueError:
        raise UserError(f"--time-budget {text}: not a time", "e.g. 200s or 5m") from None
