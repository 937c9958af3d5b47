"""Settings of the commands: a field is an option, a YAML key, a default and a help text at once.

`configs/*.yaml` hold the scales of `reproduce`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from tenpapers.cli import Cache, Device, Dtype, Limit, OProjPattern, PromptsFolder
from tenpapers.errors import UserError
from tenpapers.journal import Journal, key_of, known_by
from tenpapers.models import CausalLM, load_causal_lm
from tenpapers.models.identity import adapter_identity, identity_as_loaded, model_identity
from tenpapers.models.layout import set_o_proj_pattern
from tenpapers.records import write_json
from tenpapers.report import manifest
from tenpapers.settings import as_config

from ..inputs.encoding import Encoding
from ..inputs.load_task import Split, Task, TaskName, hold_out, load_task
from ..inputs.truthfulqa import Pairs
from ..records import Backend, Direction, SelectConfig, TuneConfig, Via

# What a sweep moves: the share of the heads, the strength of one adapter, lambda of step 1, the
# number of training examples, or what is learned (offsets, or scales kept as they are).
Over = Literal["k", "scale", "l1", "train-size", "component"]

AdapterFolder = Annotated[Path | None, typer.Option("--adapter", help="Folder of an adapter.")]
Chat = Annotated[
    bool, typer.Option("--chat-template/--no-chat-template", help="Wrap prompts as chat turns.")
]
# Hooks need the weights in this process.
ModelOption = Annotated[str, typer.Option("--model", help="Model spec: smollm2 or hf:ID.")]
ChatOfAdapter = Annotated[
    bool | None,
    typer.Option(
        "--chat-template/--no-chat-template",
        help="Wrap prompts as chat turns; default: as the adapter was trained.",
    ),
]
AdaptedModel = Annotated[
    str, typer.Option("--model", help="Model spec; default: the adapter's base, else smollm2.")
]
TaskOption = Annotated[
    TaskName, typer.Option("--task", help="The paper's, your own rows, or a hub's set.")
]
Strength = Annotated[
    float, typer.Option("--scale", help="Factor of the adapter's change; 0 is the base.")
]
TopK = Annotated[int | None, typer.Option(help="Heads; default 3 % of all.")]


# What the model's identity says, what a file is called, and what changes no result.
_NOT_IN_A_KEY = {
    "device",
    "dtype",
    "allow_http",
    "debug_anomaly",
    "data",
    "prompts",
}


def adapter_key(adapter: Path | None) -> dict[str, Any]:
    """An adapter in a journal's key, by its content."""
    return {"adapter": known_by(str(adapter), adapter_identity(str(adapter))) if adapter else None}


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """Which model, and where it computes."""

    model: ModelOption = "smollm2"
    dtype: Dtype = None
    device: Device = None
    o_proj_pattern: OProjPattern = None

    def spec(self) -> str:
        """Spec of the model."""
        return self.model

    def load_model(self) -> CausalLM:
        """Load the model in this process."""
        lm = load_causal_lm(self.spec(), dtype=self.dtype, device=self.device)
        set_o_proj_pattern(lm.model, self.o_proj_pattern)
        return lm

    def key(self, command: str) -> dict[str, Any]:
        """What the results of a command depend on besides files, models by their content."""
        found = identity_as_loaded(self.spec(), dtype=self.dtype, device=self.device)
        named = known_by(self.spec(), found)
        return key_of(command, self, without=_NOT_IN_A_KEY, model=named)

    def inputs(self) -> list[Path | None]:
        """Files that the results depend on."""
        return []

    def journal(
        self,
        command: str,
        out: Path,
        *,
        overwrite: bool,
        wait: bool,
        inputs: Sequence[Path | None] = (),
        more: dict[str, Any] | None = None,
    ) -> Journal:
        """Open the journal of a run of these settings.

        Parameters
        ----------
        inputs, more : files and settings besides these.

        Raises
        ------
        UserError : see `Journal`; a file or an adapter that is not there.
        """
        key = self.key(command) | (more or {})
        files = [*self.inputs(), *inputs]
        return Journal(out, key=key, inputs=files, overwrite=overwrite, wait=wait)


@dataclass(frozen=True, kw_only=True)
class TaskSettings(ModelSettings):
    """A model on a task."""

    task: TaskOption
    data: Annotated[
        Path | None, typer.Option(help="Folder of the task's files; for jsonl the training file.")
    ] = None
    fold: Annotated[int, typer.Option(help="Fold of TruthfulQA, 0 or 1.")] = 0
    pairs: Annotated[Pairs, typer.Option(help="TruthfulQA's rejected answers.")] = "first"
    train_size: Annotated[
        int | None, typer.Option(help="So many training examples, nested by seed.", min=1)
    ] = None
    seed: Annotated[int, typer.Option(help="Of first values, order and draws.")] = 42
    prompts: PromptsFolder = None
    official_quirks: Annotated[
        bool, typer.Option("--official-quirks", help="CLUTRR's double blank of the released code.")
    ] = False
    dedup: Annotated[bool, typer.Option("--dedup", help="Drop repeated CLUTRR stories.")] = False
    chat_template: Chat = False

    def load_task(self) -> Task:
        """Read the task."""
        return load_task(
            self.task,
            self.data,
            fold=self.fold,
            which_pairs=self.pairs,
            train_size=self.train_size,
            seed=self.seed,
            prompts=self.prompts,
            quirks=self.official_quirks,
            dedup=self.dedup,
        )

    def key(self, command: str) -> dict[str, Any]:
        """See `ModelSettings.key`; rows of a hub's set by their content."""
        key, task = super().key(command), self.load_task()
        if task.files:
            return key
        rows = [row.model_dump() for part in (task.train, task.val, task.test) for row in part]
        return key | {"data": known_by(task.name, rows)}

    def inputs(self) -> list[Path | None]:
        """See `ModelSettings.inputs`."""
        return [*self.load_task().files, self.prompts]

    def write_manifest(self, journal: Journal, task: Task, *, began: float, **more: object) -> None:
        """Write `manifest.json`: settings, versions, data hashes, wall time, and `more`.

        Parameters
        ----------
        began : `time.monotonic()` at the start.
        """
        described = manifest(as_config(self), seed=self.seed, began=began, data=task.files)
        write_json(journal.file("manifest.json"), described | more)


@dataclass(frozen=True, kw_only=True)
class TrainSettings(TaskSettings):
    """Settings of both steps; the defaults are the paper's for Llama-2-7B on MQuAKE."""

    task: TaskOption = "mquake"
    select_lr: Annotated[float, typer.Option(help="Peak learning rate of step 1.")] = 5e-3
    tune_lr: Annotated[float, typer.Option(help="Peak learning rate of step 2.")] = 1e-2
    l1: Annotated[float, typer.Option("--l1", help="Lambda of step 1.", min=0)] = 1e-3
    l1_mode: Annotated[
        Literal["loss", "prox"],
        typer.Option("--l1-mode", help="The paper's penalty, or a soft threshold after each step."),
    ] = "loss"
    epochs: Annotated[int, typer.Option(help="Passes over the data.", min=1)] = 5
    batch_size: Annotated[int, typer.Option(help="Examples a step.", min=1)] = 8
    micro_batch: Annotated[
        int | None, typer.Option(help="So many at once; gradients add up to the batch.", min=1)
    ] = None
    weight_decay: Annotated[float, typer.Option(help="Of AdamW.", min=0)] = 0.0
    val_size: Annotated[
        int, typer.Option(help="Training examples held out; their loss is told.", min=0)
    ] = 0
    beta: float = 0.5  # of the DPO loss
    top_k: TopK = None
    max_length: Annotated[
        int | None, typer.Option(help="Tokens of a training sequence (SFT 400).", min=2)
    ] = None
    eos_token: Annotated[
        str | None, typer.Option(help="End of a completion, if the tokenizer has none.")
    ] = None
    debug_anomaly: Annotated[
        bool, typer.Option("--debug-anomaly", help="Name what first gave a NaN gradient (slow).")
    ] = False

    def select(self) -> SelectConfig:
        """Settings of step 1."""
        return SelectConfig(
            lr=self.select_lr,
            l1=self.l1,
            epochs=self.epochs,
            batch_size=self.batch_size,
            micro_batch=self.micro_batch,
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
            micro_batch=self.micro_batch,
            weight_decay=self.weight_decay,
            beta=self.beta,
            seed=self.seed,
            debug_anomaly=self.debug_anomaly,
        )

    def training_part(self) -> tuple[Task, Task | None]:
        """The task without the examples that are held out, and with those alone if there are."""
        task = self.load_task()
        return hold_out(task, self.val_size, self.seed) if self.val_size else (task, None)

    def encoding(self) -> Encoding:
        """How examples become tokens."""
        return Encoding(self.max_length, self.chat_template, self.eos_token)


@dataclass(frozen=True, kw_only=True)
class ItiSettings(TaskSettings):
    """Settings of ITI; strength and direction are its authors' defaults."""

    top_k: TopK = None
    alpha: Annotated[float, typer.Option(help="Strength in standard deviations.")] = 15.0
    direction: Annotated[Direction, typer.Option(help="Of the edit of a head.")] = "mass-mean"
    all_positions: Annotated[
        bool, typer.Option("--all-positions", help="Edit every token (can be merged).")
    ] = False


@dataclass(frozen=True, kw_only=True)
class RepeSettings(TaskSettings):
    """Settings of RepE; the paper's are not confirmed, so these are our choice."""

    coefficient: Annotated[
        float | None, typer.Option(help="Strength; where none is given the best on val.")
    ] = None
    window: Annotated[
        str | None, typer.Option(help="Layers FIRST:END; default the middle third.")
    ] = None
    limit: Annotated[int, typer.Option(help="Items of val for the search.", min=1)] = 50


@dataclass(frozen=True, kw_only=True)
class FittedSettings(TaskSettings):
    """Settings of the trained baselines."""

    lr: Annotated[float, typer.Option(help="Peak learning rate.")] = 1e-3
    epochs: Annotated[int, typer.Option(help="Passes over the data.", min=1)] = 5
    batch_size: Annotated[int, typer.Option(help="Examples a step.", min=1)] = 8


@dataclass(frozen=True, kw_only=True)
class AdaptedSettings(ModelSettings):
    """A model, with an adapter if one is named; its own base where no model is."""

    model: AdaptedModel = ""
    adapter: AdapterFolder = None

    def spec(self) -> str:
        """The named model, or the base of the adapter."""
        from ..offsets.base_model import base_spec

        return self.model or base_spec(self.adapter)

    def load_model(self) -> CausalLM:
        """Load the model; one of other weights than the adapter's is refused."""
        from ..offsets.base_model import check_base, o_proj_pattern

        lm = super().load_model()
        if self.adapter:
            set_o_proj_pattern(lm.model, self.o_proj_pattern or o_proj_pattern(self.adapter))
            check_base(self.adapter, lm)
        return lm

    def key(self, command: str) -> dict[str, Any]:
        """See `ModelSettings.key`."""
        return super().key(command) | adapter_key(self.adapter)

    def chat(self, wanted: bool | None) -> bool:
        """Whether prompts are wrapped as chat turns: as wanted, else as the adapter's were."""
        from ..offsets.base_model import made_with_chat

        return made_with_chat(self.adapter) if wanted is None else wanted


@dataclass(frozen=True, kw_only=True)
class EvaluateSettings(AdaptedSettings, TaskSettings):
    """What is graded, and how."""

    chat_template: ChatOfAdapter = None  # type: ignore[assignment]  # None is the adapter's
    split: Annotated[Split, typer.Option(help="Part of the task, without --data FILE.")] = "test"
    scale: Strength = 1.0
    instruction: Annotated[bool, typer.Option(help="TruthfulQA's instruction.")] = True
    max_tokens: Annotated[int, typer.Option(help="Of an answer.", min=1)] = 16
    judge_true: Annotated[
        str | None, typer.Option(help="Model spec; open answers instead of multiple choice.")
    ] = None
    judge_informative: Annotated[str | None, typer.Option(help="Model spec.")] = None
    allow_http: Annotated[
        bool, typer.Option("--allow-http", help="Agree to send answers to a judge's server.")
    ] = False
    documents: Annotated[
        Path | None, typer.Option(help="Text file, one document a line: side effects on it.")
    ] = None
    cache: Cache = True
    limit: Limit = None

    def key(self, command: str) -> dict[str, Any]:
        """See `ModelSettings.key`."""
        key = ModelSettings.key(self, command) if self._of_file() else super().key(command)
        judges = {"judge_true": self.judge_true, "judge_informative": self.judge_informative}
        known = {
            name: known_by(spec, model_identity(spec)) for name, spec in judges.items() if spec
        }
        return key | adapter_key(self.adapter) | known

    def inputs(self) -> list[Path | None]:
        """See `ModelSettings.inputs`."""
        if self._of_file():
            return [self.data, self.prompts, self.documents]
        return [*super().inputs(), self.documents]

    def _of_file(self) -> bool:
        if self.data is not None and not self.data.exists():
            raise UserError(f"{self.data}: no such file or folder")
        return self.data is not None and self.data.is_file()


@dataclass(frozen=True, kw_only=True)
class GenerateSettings(AdaptedSettings):
    """What is completed, and by what."""

    prompts: Annotated[Path, typer.Option(help="JSONL with id and prompt, or messages.")]
    backend: Annotated[Backend, typer.Option(help="Hooks, or vLLM from a merged folder.")] = "hf"
    max_tokens: Annotated[int, typer.Option(min=1)] = 64
    temperature: Annotated[float, typer.Option(help="0 is greedy.", min=0)] = 0.0
    scale: Strength = 1.0
    seed: Annotated[int, typer.Option(help="Seed of every random choice.")] = 0
    chat_template: ChatOfAdapter = None
    cache: Cache = True


@dataclass(frozen=True, kw_only=True)
class MergeSettings(AdaptedSettings):
    """How an adapter becomes ordinary weights."""

    adapter: Annotated[Path, typer.Option(help="Folder of an adapter.")] = field()
    via: Annotated[Via, typer.Option(help="Bias that takes the offsets.")] = "o_proj"
    to_llama: Annotated[
        bool, typer.Option("--to-llama", help="Mistral, Qwen2: save as a LlamaForCausalLM.")
    ] = False
    all_positions: Annotated[
        bool, typer.Option("--all-positions", help="Let an ITI adapter act at every token.")
    ] = False
    verify: Annotated[
        bool, typer.Option("--verify", help="Reload plainly and compare; exit 3 if it differs.")
    ] = False

    def key(self, command: str) -> dict[str, Any]:
        """See `ModelSettings.key`."""
        key = super().key(command)
        del key["verify"]
        return key


@dataclass(frozen=True)
class Study:
    """What `reproduce` runs.

    Parameters
    ----------
    model : spec, in process.
    data : folder of the tasks' files; "" for what is found.
    tasks : that are trained and tested.
    split : of the test.
    seeds : of LoFiT; a claim is shown only if each of them shows it.
    random_seeds : of the controls with random heads; every seed is held against each of them.
    settings : by task: select_lr, l1, tune_lr.
    epochs : of each step.
    share : of all heads that get an offset, unless `k` says how many.
    k : number of heads; 0 follows `share`.
    train_size : so many training examples of every task; 0 is all.
    batch_size, max_tokens : of training, of an answer.
    alphas : ITI's strengths, the best on a part of the training data is used.
    second_ranking : a task whose rankings are compared, `second_size` examples, one epoch; "" none.
    limit : so many test items; 0 is all.
    vllm : answer through merged checkpoints in vLLM where that is exact.
    """

    model: ModelOption = "smollm2"
    data: Annotated[str, typer.Option(help="Folder of the tasks' files; default: found.")] = ""
    tasks: list[str] = field(default_factory=lambda: ["mquake"])
    split: Split = "val"
    seeds: list[int] = field(default_factory=lambda: [42, 43])
    random_seeds: list[int] = field(default_factory=lambda: [0, 1, 2])
    settings: dict[str, dict[str, float]] = field(default_factory=dict)
    epochs: int = 5
    share: float = 0.03
    k: int = 0
    train_size: int = 0
    batch_size: int = 8
    max_tokens: int = 16
    alphas: list[float] = field(default_factory=lambda: [15.0])
    second_ranking: str = ""
    second_size: int = 100
    limit: Annotated[int, typer.Option(help="Only the first N test items; 0 is all.", min=0)] = 0
    vllm: bool = False

    def select(self, task: str, seed: int) -> SelectConfig:
        """Step 1 on a task."""
        rates = self.settings.get(task, {})
        return SelectConfig(
            lr=rates.get("select_lr", 5e-3),
            l1=rates.get("l1", 1e-3),
            epochs=self.epochs,
            batch_size=self.batch_size,
            seed=seed,
        )

    def tune(self, task: str, seed: int) -> TuneConfig:
        """Step 2 on a task."""
        rates = self.settings.get(task, {})
        return TuneConfig(
            lr=rates.get("tune_lr", 1e-2), epochs=self.epochs, batch_size=self.batch_size, seed=seed
        )

    def key(self) -> dict[str, Any]:
        """What the study's results depend on besides its files, the model by its content."""
        named = known_by(self.model, identity_as_loaded(self.model))
        return key_of("reproduce", self, without=("data",), model=named)

    def inputs(self) -> list[Path]:
        """Files that the study reads."""
        folder = Path(self.data) if self.data else None
        second = [load_task(self.second_ranking, folder)] if self.second_ranking else []
        tasks = [self.load_task(name) for name in self.tasks] + second
        return list(dict.fromkeys(file for task in tasks for file in task.files))

    def load_task(self, name: str, *, fold: int = 0) -> Task:
        """Read one of the tasks."""
        folder = Path(self.data) if self.data else None
        few = self.train_size or None
        return load_task(name, folder, fold=fold, train_size=few, seed=self.seeds[0])
