"""Settings of a study, and the tiny model that ships with the package."""

from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ..records import Task, Variant
from ..training.settings import TrainConfig

Extra = Literal["real-short", "mixed", "no-lora"]


@dataclass(frozen=True)
class Study:
    """What `reproduce` runs.

    Parameters
    ----------
    world : "toy" (part B on the tiny model) or "real" (datasets built from published files).
    model : part A's model and, in the world "real", the base of every adapter.
    planted : prompts of part A, half of them to find heads, half to switch them off; 0 leaves it
        out.
    ks, control_seeds : of the knockout curves; 0 and headline_k always belong to part A's.
    knock : variants whose adapters lose heads too, on patch_examples of the real test set.
    headline_k, headline_controls : heads of the knockout in both forms, and random sets of as many.
    seed : of every choice; every training is run with `seeds` seeds from this one on.
    n_train, n_dev, n_test : examples, equal for all variants.
    smaller : sizes at which the synthetic variants are trained besides n_train.
    gate : F1 that Real-Full must reach, or nothing is concluded from its heads.
    toy_facts : in a context of the toy world.
    variants : that are trained on.
    extras : further baselines: "real-short" (short contexts only, tested long), "mixed"
        (real-limited and the best synthetic set, half each), "no-lora" (real-full, the attention
        weights themselves).
    short_tokens, short_facts : contexts of "real-short"; facts of the toy world.
    tasks, sources : world "real": tasks and their published files.
    generator : who words the synthetic variants of the world "real".
    train : settings of every training.
    patch : variants that are patched from real-full; patch_examples of the test set.
    limit : test and planted examples at most.
    """

    world: Literal["toy", "real"] = "toy"
    model: Annotated[str, typer.Option(help="Model spec of part A.")] = "smollm2"
    planted: int = 20
    ks: list[int] = field(default_factory=lambda: [0, 5, 10, 20, 50])
    control_seeds: int = 3
    knock: list[Variant] = field(default_factory=list)
    headline_k: int = 10
    headline_controls: int = 10
    seed: Annotated[int, typer.Option(help="First seed of every choice.")] = 0
    seeds: Annotated[int, typer.Option(help="Seeds of every training.", min=1)] = 2
    n_train: int = 400
    smaller: list[int] = field(default_factory=list)
    gate: float = 0.0
    n_dev: int = 50
    n_test: int = 200
    toy_facts: int = 8
    variants: list[Variant] = field(
        default_factory=lambda: ["hh", "hl", "lh", "ll", "symbolic", "real-limited", "real-full"]
    )
    extras: list[Extra] = field(default_factory=list)
    short_tokens: int = 4096
    short_facts: int = 3
    tasks: list[Task] = field(default_factory=lambda: ["mdqa"])
    sources: dict[Task, str] = field(default_factory=dict)
    generator: str = "template"
    train: TrainConfig = field(default_factory=TrainConfig)
    patch: list[Variant] = field(default_factory=lambda: ["hh", "hl", "lh", "ll", "symbolic"])
    patch_examples: int = 100
    limit: Annotated[int | None, typer.Option(help="Only the first N examples.", min=1)] = None

    def key(self) -> dict[str, Any]:
        """What the study's results depend on besides its files, the model by its content."""
        from tenpapers.journal import key_of, known_by
        from tenpapers.models.identity import identity_as_loaded

        key = key_of("reproduce", self, without=("sources",))  # which are inputs of the run
        if self.planted or self.world == "real":
            key["model"] = known_by(self.model, identity_as_loaded(self.model))
        return key

    def files(self) -> list[Path]:
        """Published files that the study reads."""
        tasks = self.tasks if self.world == "real" else []
        return [Path(self.sources[task]) for task in tasks if task in self.sources]


def toy_checkpoint() -> Path:
    """The tiny pre-trained model that ships with the package (see `inputs.toy.pretrain`)."""
    return Path(str(files("retrievalheads").joinpath("data/toy")))
