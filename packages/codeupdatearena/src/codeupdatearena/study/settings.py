"""Settings of `reproduce`, one frozen record a run; `configs/*.yaml` hold the two scales."""

import os
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from tenpapers import data
from tenpapers.errors import UserError

from ..editing.settings import EditConfig
from ..execution.settings import LibrarySettings
from ..inputs.arena import Arena, load_arena
from ..inputs.published_forms import HUB_ID, read_arena_file
from ..sampling.settings import SolutionSettings

if TYPE_CHECKING:
    from tenpapers.sandbox import SandboxPool

# A method, or an arm of editing: `random-` is trained on another update, `+update` shows the
# update's text at test time too.
StudyArm = Literal[
    "base",
    "prepend",
    "ft-u",
    "ft-ps",
    "ft-ups",
    "ft-u+update",
    "ft-ps+update",
    "ft-ups+update",
    "random-ft-u",
    "random-ft-ps",
    "random-ft-ups",
    "random-ft-u+update",
    "random-ft-ps+update",
    "random-ft-ups+update",
]


ARENA_FILE = "arena-grouped.jsonl.gz"


@dataclass(frozen=True)
class Study(LibrarySettings):
    """What `reproduce` runs.

    Parameters
    ----------
    sampler : spec for sampling the same model; "" is `model`.
    every_reference : the evaluator runs each so many-th reference of the arena; 1 runs all.
    proxy : measure likelihoods of the references (for models too small to solve anything).
    learning_rates, updates : of the likelihood part, and how many updates are edited at each.
    passes : over n training texts are this number // n; the paper's is 10.
    n_seeds : that it trains with: `seed` and those after it.
    budget : seconds after which it begins no further update; None, the default, measures all.
    arms : methods that are sampled and executed.
    instances : examples for them (at most those of the likelihood part); 0 is all.
    samples, temperature, top_p, max_tokens : of the sampling.
    learning_rate : of the edits that are sampled, where the likelihood part made none.
    humaneval : file of tasks for specificity; "" for none.
    specificity_edits : edited models that are asked them.
    random_map : JSON map of random-FT targets; "" draws them.
    """

    model: Annotated[
        str, typer.Option("--model", help="Spec of the model that is edited and measured.")
    ] = "smollm2"
    sampler: str = ""
    arena: Annotated[
        str, typer.Option("--arena", help="Arena; default: found, see the README.")
    ] = ""
    seed: Annotated[int, typer.Option("--seed", help="Seed of every random choice.")] = 42
    limit: Annotated[
        int | None, typer.Option("--limit", help="Only the first N examples, of all parts.", min=1)
    ] = None
    every_reference: int = 1
    proxy: bool = True
    budget: Annotated[
        float | None,
        typer.Option("--budget", help="Seconds for the likelihood part; default: no bound."),
    ] = None
    learning_rates: list[float] = field(default_factory=lambda: [1e-2, 1e-3])
    updates: list[int] = field(default_factory=lambda: [3, 1])
    passes: int = EditConfig.epochs_times_texts
    n_seeds: int = 2
    arms: list[StudyArm] = field(default_factory=lambda: ["base", "prepend", "ft-ps"])
    instances: int = 3
    samples: int = 2
    temperature: float = 0.8
    top_p: float = 0.7
    max_tokens: int = 160
    learning_rate: float = 1e-3
    humaneval: str = ""
    specificity_edits: int = 25
    random_map: str = ""

    def __post_init__(self) -> None:
        if len(self.learning_rates) != len(self.updates) or min([1, *self.updates]) < 1:
            raise UserError(f"updates: {self.updates}", "a number above 0 for each learning rate")
        if self.n_seeds < 1 or self.seed < 0:
            raise UserError(f"n_seeds: {self.n_seeds}, seed: {self.seed}", "numbers from 1 and 0")
        if min(self.every_reference, self.passes) < 1:
            told = f"every_reference: {self.every_reference}, passes: {self.passes}"
            raise UserError(told, "numbers above 0")

    @property
    def seeds(self) -> list[int]:
        """Seeds of the likelihood part."""
        return [self.seed + more for more in range(self.n_seeds)]

    @property
    def sampling(self) -> SolutionSettings:
        """How the arms are sampled."""
        return SolutionSettings(
            samples=self.samples,
            temperature=self.temperature,
            top_p=self.top_p,
            max_tokens=self.max_tokens,
            seed=self.seed,
        )

    @property
    def random_map_file(self) -> Path | None:
        """File of the random-FT targets; None where they are drawn."""
        return Path(self.random_map) if self.random_map else None


def find_arena(study: Study) -> tuple[Arena, str]:
    """Load the arena: the named one, else real inputs at hand, else the hub's, else our own.

    Returns
    -------
    The arena and a sentence on where it is from.
    """
    if study.arena:
        return load_arena(study.arena), study.arena
    if folder := data.folder_or_hint("codeupdatearena"):
        return load_arena(folder / ARENA_FILE), f"{ARENA_FILE} (the paper's has 161 updates)"
    if os.environ.get("HF_HUB_OFFLINE") != "1":
        try:
            return load_arena(HUB_ID), f"{HUB_ID} from the hub"
        except UserError:
            pass
    return Arena(tuple(read_arena_file(bundled_arena()))), (
        "the small arena that ships with this package (neither hub nor local data was at hand)"
    )


def input_files(study: Study) -> list[Path]:
    """Arena, tasks and map that were named or found: the manifest keeps them by hash, and no
    program may read them, for they hold answers.
    """
    folder = data.folder("codeupdatearena")
    arena = study.arena or (folder and folder / ARENA_FILE)
    files = (arena, study.humaneval, study.random_map)
    return [Path(name) for name in files if name and name != HUB_ID]


def open_pool(study: Study) -> "SandboxPool":
    """Start workers for what the study executes; no program may read its inputs."""
    from tenpapers.sandbox import SandboxPool

    return SandboxPool(barriers=study.barriers, path=study.library, hidden=input_files(study))


def bundled_arena() -> Path:
    """Path of the arena we wrote ourselves: a few updates to try everything on."""
    with as_file(files("codeupdatearena").joinpath("data/mini-arena.jsonl")) as file:
        return file
