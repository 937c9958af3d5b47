"""Settings of `reproduce`; `configs/*.yaml` hold the scales."""

from dataclasses import field
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from pydantic.dataclasses import dataclass
from tenpapers.cli import load_config
from tenpapers.errors import UserError

from ..records import SelectConfig, TuneConfig


@dataclass(frozen=True)
class Study:
    """What `reproduce` runs.

    Parameters
    ----------
    model : spec, in process.
    data : folder of the tasks' files; "" for what is found.
    tasks : that are trained and tested.
    split : of the test.
    seeds : of LoFiT; results are means over them.
    random_seeds : of the controls with random heads.
    settings : by task: select_lr, l1, tune_lr.
    epochs : of each step.
    share : of all heads that get an offset, unless `k` says how many.
    k : number of heads; 0 follows `share`.
    batch_size, max_tokens : of training, of an answer.
    alphas : ITI's strengths, the best on a part of the training data is used.
    second_ranking : a task whose ranking is compared, `second_size` examples, one epoch; "" none.
    limit : so many test items; 0 is all.
    vllm : answer through merged checkpoints in vLLM where that is exact.
    """

    model: str = "smollm2"
    data: str = ""
    tasks: list[str] = field(default_factory=lambda: ["mquake"])
    split: str = "val"
    seeds: list[int] = field(default_factory=lambda: [42])
    random_seeds: list[int] = field(default_factory=lambda: [0, 1, 2])
    settings: dict[str, dict[str, float]] = field(default_factory=dict)
    epochs: int = 5
    share: float = 0.03
    k: int = 0
    batch_size: int = 8
    max_tokens: int = 16
    alphas: list[float] = field(default_factory=lambda: [15.0])
    second_ranking: str = ""
    second_size: int = 100
    limit: int = 0
    vllm: bool = False

    def select(self, task: str, seed: int) -> SelectConfig:
        """Step 1 on a task."""
        found = self.settings.get(task, {})
        return SelectConfig(
            lr=found.get("select_lr", 5e-3),
            l1=found.get("l1", 1e-3),
            epochs=self.epochs,
            batch_size=self.batch_size,
            seed=seed,
        )

    def tune(self, task: str, seed: int) -> TuneConfig:
        """Step 2 on a task."""
        found = self.settings.get(task, {})
        return TuneConfig(
            lr=found.get("tune_lr", 1e-2), epochs=self.epochs, batch_size=self.batch_size, seed=seed
        )


SCALES = {"cpu": "cpu", "paper": "paper_llama2_7b"}


def read_study(scale: str, config: Path | None, **flags: Any) -> Study:
    """Read the settings of a scale (or of one of the shipped files by name), or of a user's file.

    Raises
    ------
    UserError : unknown scale, see `load_config`.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    if config is not None:
        return load_config(Study, config, **given)
    name = SCALES.get(scale, scale)
    place = files("lofit").joinpath(f"configs/{name}.yaml")
    if not place.is_file():
        raise UserError(f"--scale {scale}: unknown", "cpu or paper (other models: --config)")
    with as_file(place) as file:
        return load_config(Study, file, **given)
