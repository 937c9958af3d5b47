"""Options that several commands have, and how a command's settings come together."""

import json
import time
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic.dataclasses import dataclass
from tenpapers.cli import UserError, load_config

from .inputs.load_task import Task, load_task
from .records import SelectConfig, TuneConfig
from .study.two_steps import Encoding

TaskName = Annotated[
    str, typer.Option("--task", help="truthfulqa, mquake, clutrr, jsonl, or a set of the hub.")
]
Data = Annotated[
    Path | None,
    typer.Option("--data", help="Folder of the task's files; for jsonl the training file."),
]
Fold = Annotated[int, typer.Option("--fold", help="Fold of TruthfulQA, 0 or 1.")]
TrainSize = Annotated[
    int | None,
    typer.Option("--train-size", help="So many training examples, nested by seed.", min=1),
]
Quirks = Annotated[
    bool, typer.Option("--official-quirks", help="CLUTRR's double blank of the released code.")
]
Dedup = Annotated[bool, typer.Option("--dedup", help="Drop repeated CLUTRR stories.")]
PromptsFolder = Annotated[
    Path | None, typer.Option("--prompts", help="Folder of templates that replace ours.")
]
Dtype = Annotated[str | None, typer.Option("--dtype", help="float32 or bfloat16.")]
Device = Annotated[str | None, typer.Option("--device", help="cpu, cuda, cuda:1, ...")]
Epochs = Annotated[int | None, typer.Option("--epochs", help="Passes over the data.", min=1)]
BatchSize = Annotated[int | None, typer.Option("--batch-size", help="Examples a step.", min=1)]
L1 = Annotated[float | None, typer.Option("--l1", help="Lambda of step 1.", min=0)]
MaxLength = Annotated[
    int | None, typer.Option("--max-length", help="Tokens of a training sequence (SFT 400).", min=2)
]
Chat = Annotated[
    bool, typer.Option("--chat-template/--no-chat-template", help="Wrap prompts as chat turns.")
]
EosToken = Annotated[
    str | None, typer.Option("--eos-token", help="End of a completion, if the tokenizer has none.")
]
TopK = Annotated[int | None, typer.Option("--top-k", help="Heads; default 3 % of all.")]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="YAML of settings; flags win over it.")
]
Adapter = Annotated[Path | None, typer.Option("--adapter", help="Folder of an adapter.")]
Pattern = Annotated[
    str | None,
    typer.Option("--o-proj-pattern", help="Names of the output projections (unknown families)."),
]


@dataclass(frozen=True)
class RunConfig:
    """Settings of a training command; the defaults are the paper's for Llama-2-7B on MQuAKE.

    Parameters
    ----------
    model, task, data, fold, pairs, train_size, seed : what is trained on what.
    select_lr, l1, tune_lr, epochs, batch_size, weight_decay, beta : of the two steps.
    top_k : heads; None is 3 % of all.
    max_length, chat_template, eos_token : how examples become tokens.
    l1_mode : "loss" or "prox".
    prompts : folder of templates that replace ours.
    official_quirks, dedup : of CLUTRR.
    debug_anomaly : autograd's anomaly mode in both steps.
    """

    model: str = "smollm2"
    task: str = "mquake"
    data: str | None = None
    fold: int = 0
    pairs: str = "first"
    train_size: int | None = None
    seed: int = 42
    select_lr: float = 5e-3
    l1: float = 5e-4
    tune_lr: float = 1e-2
    epochs: int = field(default=5)
    batch_size: int = field(default=8)
    weight_decay: float = 0.0
    beta: float = 0.5
    top_k: int | None = None
    max_length: int | None = None
    chat_template: bool = False
    eos_token: str | None = None
    l1_mode: str = "loss"
    prompts: str | None = None
    official_quirks: bool = False
    dedup: bool = False
    debug_anomaly: bool = False

    def select(self) -> SelectConfig:
        """Settings of step 1."""
        return SelectConfig(
            lr=self.select_lr,
            l1=self.l1,
            epochs=self.epochs,
            batch_size=self.batch_size,
            weight_decay=self.weight_decay,
            beta=self.beta,
            seed=self.seed,
            l1_mode=self.l1_mode,
            debug_anomaly=self.debug_anomaly,
        )

    def tune(self) -> TuneConfig:
        """Settings of step 2."""
        return TuneConfig(
            lr=self.tune_lr,
            epochs=self.epochs,
            batch_size=self.batch_size,
            weight_decay=self.weight_decay,
            beta=self.beta,
            seed=self.seed,
            debug_anomaly=self.debug_anomaly,
        )

    def encoding(self) -> Encoding:
        """How examples become tokens."""
        return Encoding(self.max_length, self.chat_template, self.eos_token)

    def load_task(self) -> Task:
        """Read the task."""
        return load_task(
            self.task,
            Path(self.data) if self.data else None,
            fold=self.fold,
            which_pairs=self.pairs,  # type: ignore[arg-type]
            train_size=self.train_size,
            seed=self.seed,
            prompts=Path(self.prompts) if self.prompts else None,
            quirks=self.official_quirks,
            dedup=self.dedup,
        )


def read_config(file: Path | None, **flags: Any) -> RunConfig:
    """Settings from a file and flags; a value that does not fit is one line."""
    flags = {k: str(v) if isinstance(v, Path) else v for k, v in flags.items()}
    config = load_config(RunConfig, file, **flags)
    try:
        config.select(), config.tune()
    except ValueError as error:
        raise UserError(f"settings: {' '.join(str(error).split())[:200]}") from None
    return config


def load(model: str, dtype: str | None = None, device: str | None = None) -> Any:
    """Load a causal LM in process; `--dtype` and `--device` go into its spec."""
    from tenpapers.models import load_causal_lm, parse_spec

    spec = parse_spec(model)
    for name, value in (("dtype", dtype), ("device", device)):
        if value is not None:
            spec.options[name] = value
    return load_causal_lm(spec)


def write_manifest(
    out: Path, config: Any, *, seed: int, began: float, task: Task | None = None, **more: Any
) -> None:
    """Write `manifest.json`: settings, versions, data hashes, wall time, counts."""
    from tenpapers.records import write_json
    from tenpapers.report import manifest

    made = manifest(config, seed=seed, began=began, data=task.files if task else ())
    write_json(out / "manifest.json", made | more)


def say(value: Any, as_json: bool, text: str) -> None:
    """Print a result as JSON or as text."""
    print(json.dumps(value, indent=2, ensure_ascii=False) if as_json else text)


def missing_note(task: Task) -> str:
    """Say how much of the paper's splits is not there."""
    absent = {part: count for part, count in task.missing.items() if count}
    return "".join(
        f"\nnote: {count} ids of {part} are not in the files" for part, count in absent.items()
    )


def now() -> float:
    """The clock of wall times."""
    return time.monotonic()
