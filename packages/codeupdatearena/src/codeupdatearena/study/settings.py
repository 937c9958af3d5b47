"""Settings of `reproduce`, one frozen record a run; `configs/*.yaml` hold the two scales."""

import os
from dataclasses import field
from importlib.resources import as_file, files
from pathlib import Path

from pydantic.dataclasses import dataclass
from tenpapers.cli import load_config
from tenpapers.errors import UserError

from ..inputs.arena import Arena, load_arena
from ..inputs.published_forms import HUB_ID, read_arena_file


@dataclass(frozen=True)
class Study:
    """What `reproduce` runs.

    Parameters
    ----------
    model : spec of the model that is edited (in process) and measured.
    sampler : spec for sampling the same model; "" is `model`.
    arena : file, or "" for what is found (see the README).
    seed : of everything.
    limit : only the first examples, of all parts.
    proxy : measure likelihoods of the references (for models too small to solve anything).
    budget : seconds for that; no further update is begun once it is spent.
    learning_rates : of the likelihood part; the first gets four fifths of the budget.
    arms : methods that are sampled and executed.
    instances : examples for them (fewer if the likelihood part had no time for as many); 0 is all.
    samples, temperature, top_p, max_tokens : of the sampling.
    learning_rate : of the edits that are sampled, where the likelihood part made none.
    humaneval : file of tasks for specificity; "" for none.
    specificity_edits : edited models that are asked them.
    random_map : JSON map of random-FT targets; "" draws them.
    """

    model: str = "smollm2"
    sampler: str = ""
    arena: str = ""
    seed: int = 42
    limit: int | None = None
    proxy: bool = True
    budget: float = 180.0
    learning_rates: list[float] = field(default_factory=lambda: [1e-2, 1e-3])
    arms: list[str] = field(default_factory=lambda: ["base", "prepend", "ft-ps"])
    instances: int = 3
    samples: int = 2
    temperature: float = 0.8
    top_p: float = 0.7
    max_tokens: int = 160
    learning_rate: float = 1e-3
    humaneval: str = ""
    specificity_edits: int = 25
    random_map: str = ""


def read_study(scale: str, config: Path | None, **flags: object) -> Study:
    """Read the settings of a scale, or of a file of the user's; flags win.

    Raises
    ------
    UserError : see `load_config`.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    if config is not None:
        return load_config(Study, config, **given)
    with as_file(files("codeupdatearena").joinpath(f"configs/{scale}.yaml")) as file:
        return load_config(Study, file, **given)


def data_folder() -> Path | None:
    """Find real inputs: $TENPAPERS_DATA/codeupdatearena, or `shared/data` beside the checkout."""
    places = [Path(__file__).parents[5] / "shared" / "data" / "codeupdatearena"]
    if named := os.environ.get("TENPAPERS_DATA"):
        places.insert(0, Path(named) / "codeupdatearena")
    return next((place for place in places if place.is_dir()), None)


def find_arena(study: Study) -> tuple[Arena, str]:
    """Load the arena: the named one, else real inputs at hand, else the hub's, else our own.

    Returns
    -------
    The arena and a sentence on where it is from.
    """
    if study.arena:
        return load_arena(study.arena), study.arena
    if folder := data_folder():
        file = folder / "arena-grouped.jsonl.gz"
        return load_arena(file), f"{file.name} (106 of the paper's 161 updates)"
    if os.environ.get("HF_HUB_OFFLINE") != "1":
        try:
            return load_arena(HUB_ID), f"{HUB_ID} from the hub"
        except UserError:
            pass
    return Arena(tuple(read_arena_file(bundled_arena()))), (
        "the small arena that ships with this package (neither hub nor local data was at hand)"
    )


def bundled_arena() -> Path:
    """Path of the arena we wrote ourselves: a few updates to try everything on."""
    with as_file(files("codeupdatearena").joinpath("data/mini-arena.jsonl")) as file:
        return file
