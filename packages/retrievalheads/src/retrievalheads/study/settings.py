"""Settings of a study, the data at hand, and the models of its parts."""

import os
from dataclasses import field
from importlib.resources import files
from pathlib import Path

from pydantic.dataclasses import dataclass
from tenpapers.cli import UserError, load_config

from ..training.attention_tuning import TrainConfig


@dataclass(frozen=True)
class Study:
    """What `reproduce` runs.

    Parameters
    ----------
    world : "toy" (part B on the tiny model) or "real" (datasets built from published files).
    model : part A's model and, in the world "real", the base of every adapter.
    planted : prompts of part A; 0 leaves it out.
    ks, control_seeds : of the knockout curves.
    knock : variants whose adapters lose heads too, on patch_examples of the real test set.
    headline_k : of the knockout in both forms.
    seed : of every choice.
    n_train, n_dev, n_test : examples, equal for all variants.
    toy_facts : in a context of the toy world.
    variants : that are trained on.
    extras : further baselines of section 6: "real-short" (short contexts only, tested long),
        "mixed" (real-limited and the best synthetic set, half each), "no-lora" (real-full, the
        attention weights themselves).
    short_tokens, short_facts : contexts of "real-short"; facts of the toy world.
    tasks, sources : world "real": tasks and their published files.
    generator : who words the synthetic variants of the world "real".
    train : settings of every training.
    patch : variants that are patched from real-full; patch_examples of the test set.
    limit : test and planted examples at most.
    """

    world: str = "toy"
    model: str = "smollm2"
    planted: int = 20
    ks: list[int] = field(default_factory=lambda: [0, 5, 10, 20, 50])
    control_seeds: int = 3
    knock: list[str] = field(default_factory=list)
    headline_k: int = 10
    seed: int = 0
    n_train: int = 400
    n_dev: int = 50
    n_test: int = 200
    toy_facts: int = 8
    variants: list[str] = field(
        default_factory=lambda: ["hh", "hl", "lh", "ll", "symbolic", "real-limited", "real-full"]
    )
    extras: list[str] = field(default_factory=list)
    short_tokens: int = 4096
    short_facts: int = 3
    tasks: list[str] = field(default_factory=lambda: ["mdqa"])
    sources: dict[str, str] = field(default_factory=dict)
    generator: str = "template"
    train: TrainConfig = field(default_factory=TrainConfig)
    patch: list[str] = field(default_factory=lambda: ["hh", "hl", "lh", "ll", "symbolic"])
    patch_examples: int = 100
    limit: int | None = None


def read_study(
    scale: str, config: Path | None, *, model: str | None, seed: int | None, limit: int | None
) -> Study:
    """Settings of a scale (cpu, paper: Llama-3, paper-mistral), or of a file; flags win.

    Raises
    ------
    UserError : unknown scale, a file that does not fit.
    """
    names = {"cpu": "cpu", "paper": "paper_llama3", "paper-mistral": "paper_mistral"}
    if config is None:
        if scale not in names:
            raise UserError(f"--scale {scale}: unknown", ", ".join(names))
        config = Path(str(files("retrievalheads").joinpath(f"configs/{names[scale]}.yaml")))
    study = load_config(Study, config, model=model, seed=seed, limit=limit)
    unknown = set(study.extras) - {"real-short", "mixed", "no-lora"}
    if unknown:
        raise UserError(f"{config}: extras: {', '.join(unknown)}", "real-short, mixed, no-lora")
    if study.world not in ("toy", "real"):
        raise UserError(f"{config}: world: {study.world!r}", "toy or real")
    return study


def data_folder() -> Path | None:
    """The real inputs: $TENPAPERS_DATA/retrievalheads, or a checkout's ../shared/data, or None."""
    named = os.environ.get("TENPAPERS_DATA")
    if named:
        folder = Path(named) / "retrievalheads"
        if not folder.is_dir():
            raise UserError(f"TENPAPERS_DATA={named}: no retrievalheads in it")
        return folder
    folder = Path(__file__).resolve().parents[5] / "shared" / "data" / "retrievalheads"
    return folder if folder.is_dir() else None


def toy_checkpoint() -> Path:
    """The tiny pre-trained model that ships with the package (see `toy.pretraining`)."""
    return Path(str(files("retrievalheads").joinpath("data/toy")))
