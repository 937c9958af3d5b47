"""The two steps with their files: what `select-heads`, `tune`, `train` and the studies share."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tenpapers.journal import Journal
from tenpapers.models import AttentionLayout, CausalLM, Head, HeadGeometry
from tenpapers.records import read_json_lines, write_jsonl

from ..baselines.intervention import Intervention
from ..baselines.parameter_counts import parameter_counts
from ..heads.other_selectors import rank_by
from ..heads.ranking import HeadRanking, check_k, default_k, read_heads
from ..inputs.encoding import Encoding, encode, remarks
from ..inputs.load_task import Task
from ..offsets.adapter import LofitAdapter
from ..offsets.base_model import record_base
from ..offsets.tune import tune_on_tokens
from ..records import FitLog, SelectConfig, Selector, TuneConfig
from ..training.loop import NotFiniteError
from .settings import TrainSettings

SCALE, LOG = "scale.safetensors", "train_log.jsonl"


@dataclass(frozen=True)
class Ranked:
    """What a ranking command found: the best heads and how many numbers each method trains."""

    method: Selector
    top: list[Head]
    ranked: int
    parameters: dict[str, int]
    note: str

    def as_dict(self) -> dict[str, object]:
        """For `--json`."""
        order = [list(head) for head in self.top]
        return {"order": order, "method": self.method, "parameters": self.parameters}

    def text(self) -> str:
        """For a terminal."""
        shown = " ".join(f"{layer}.{head}" for layer, head in self.top)
        numbers = "\n".join(f"{count:>12,} {name}" for name, count in self.parameters.items())
        best = f"best {len(self.top)} of {self.ranked} heads (layer.head): {shown}"
        return f"{best}\n{numbers}{self.note}"


@dataclass(frozen=True)
class Tuned:
    """What a training command learned, in one line."""

    adapter: LofitAdapter
    log: FitLog
    note: str

    @property
    def losses(self) -> str:
        """First and last loss of step 2, and of the examples that were held out."""
        told = f"{self.log.losses[0]:.3f} -> {self.log.losses[-1]:.3f}"
        if not self.log.validation:
            return told
        by_epoch = " -> ".join(f"{loss:.3f}" for loss in self.log.validation)
        return f"{told}, held out {by_epoch}"


def rank(settings: TrainSettings, method: Selector, journal: Journal) -> Ranked:
    """Step 1 as a command: rank the heads by any rule; writes `heads.json` and a manifest.

    Raises
    ------
    UserError : K is not a number of the model's heads, or what `rank_by` and the task need.
    """
    began = time.monotonic()
    task, _ = settings.training_part()
    lm = settings.load_model()
    k = _wanted_k(settings, lm)
    ranking = choose_heads(
        lm, task, settings.select(), journal, method=method, encoding=settings.encoding()
    )
    counts = parameter_counts(lm.model.config, k)
    told = _remarks(lm, task, settings.encoding())
    settings.write_manifest(journal, task, began=began, trainable=counts, remarks=told)
    return Ranked(method, ranking.top(k), len(ranking.order), counts, _note(task, told))


def tune(settings: TrainSettings, heads: Path, journal: Journal) -> Tuned:
    """Step 2 as a command: offsets on the first K heads of a file; writes `adapter/`."""
    began = time.monotonic()
    task, held_out = settings.training_part()
    lm = settings.load_model()
    shape = HeadGeometry.from_config(lm.model.config)
    ranking = read_heads(heads, shape)
    k = settings.top_k
    if k is None:
        k = min(default_k(shape), len(ranking.order))
    parts = (task, held_out)
    return _tune(settings, lm, parts, ranking.top(k), ranking=ranking, journal=journal, began=began)


def train(settings: TrainSettings, journal: Journal) -> tuple[Tuned, HeadRanking]:
    """Both steps as a command; writes `heads.json` and `adapter/`."""
    began = time.monotonic()
    parts = settings.training_part()
    lm = settings.load_model()
    k = _wanted_k(settings, lm)
    ranking = choose_heads(lm, parts[0], settings.select(), journal, encoding=settings.encoding())
    heads = ranking.top(k)
    tuned = _tune(settings, lm, parts, heads, ranking=ranking, journal=journal, began=began)
    return tuned, ranking


def _wanted_k(settings: TrainSettings, lm: CausalLM) -> int:
    shape = HeadGeometry.from_config(lm.model.config)
    k = default_k(shape) if settings.top_k is None else settings.top_k
    check_k(k, shape.n_layers * shape.n_heads, shape.n_layers * shape.n_heads)
    return k


def _tune(
    settings: TrainSettings,
    lm: CausalLM,
    parts: tuple[Task, Task | None],
    heads: Sequence[Head],
    *,
    ranking: HeadRanking,
    journal: Journal,
    began: float,
) -> Tuned:
    """Step 2 with its manifest; `parts` are what is trained on and what is held out."""
    task, held_out = parts
    how = settings.encoding()
    adapter, log = learn_offsets(
        lm,
        task,
        heads,
        settings.tune(),
        journal,
        ranking=ranking,
        encoding=how,
        held_out=held_out,
    )
    told = _remarks(lm, task, how)
    numbers = adapter.n_parameters
    settings.write_manifest(journal, task, began=began, trainable=numbers, remarks=told)
    return Tuned(adapter, log, _note(task, told))


def _remarks(lm: CausalLM, task: Task, encoding: Encoding) -> list[str]:
    """What a user should know of how the training examples became tokens."""
    how = replace(encoding, template_options=lm.template_options)
    return remarks(lm.tokenizer, task.train, encode(lm.tokenizer, task.train, how), how)


def _note(task: Task, told: Sequence[str]) -> str:
    return task.missing_note() + "".join(f"\nnote: {remark}" for remark in told)


def choose_heads(
    lm: CausalLM,
    task: Task,
    config: SelectConfig,
    journal: Journal,
    folder: str = ".",
    *,
    method: Selector = "lofit",
    encoding: Encoding | None = None,
) -> HeadRanking:
    """Step 1, or another selector, once; writes `heads.json` and what belongs to it.

    Parameters
    ----------
    folder : below the run's; a ranking that an earlier run finished there is read, with its scales.
    """
    stage, out = str(Path(folder, "heads")), journal.root / folder
    geometry = AttentionLayout.from_model(lm.model).geometry
    if journal.done(stage):
        return _kept_heads(out, geometry)
    state = str(Path(folder, ".step1"))
    ranking = rank_by(
        method,
        lm.model,
        lm.tokenizer,
        task.train,
        task.contrast,
        config=config,
        state=journal.workspace(state),
        encoding=replace(encoding or Encoding(), template_options=lm.template_options),
    )
    write_ranking(journal, folder, ranking, geometry)
    journal.finish(stage)
    journal.drop(state)
    return ranking


def write_ranking(
    journal: Journal, folder: str, ranking: HeadRanking, geometry: HeadGeometry
) -> None:
    """Write the files of a ranking into a folder of a run."""
    names = ["heads.json", "scores.npy", "heads.npy"]
    for name in [*names, SCALE] if ranking.scale is not None else names:
        journal.file(str(Path(folder, name)))
    ranking.save(journal.root / folder, geometry)


def _kept_heads(out: Path, geometry: HeadGeometry) -> HeadRanking:
    from safetensors.torch import load_file

    ranking = read_heads(out / "heads.json", geometry)
    if not (out / SCALE).exists():
        return ranking
    return replace(ranking, scale=load_file(out / SCALE)["scale"])


def learn_offsets(
    lm: CausalLM,
    task: Task,
    heads: Sequence[Head],
    config: TuneConfig,
    journal: Journal,
    folder: str = ".",
    *,
    ranking: HeadRanking | None = None,
    encoding: Encoding | None = None,
    held_out: Task | None = None,
) -> tuple[LofitAdapter, FitLog]:
    """Step 2, once; writes `adapter/` and `train_log.jsonl` into a folder of a run.

    Parameters
    ----------
    held_out : a task whose training examples have their loss logged after every epoch.
    """
    name, state = str(Path(folder, "adapter")), str(Path(folder, ".step2"))
    if journal.has_folder(name):
        return LofitAdapter.load(journal.root / name), read_log(journal, folder)
    how = replace(encoding or Encoding(), template_options=lm.template_options)
    encoded = encode(lm.tokenizer, task.train, how)
    held = encode(lm.tokenizer, held_out.train, how) if held_out else []
    work = journal.workspace(state)
    try:
        adapter, log = tune_on_tokens(lm.model, encoded, heads, config, state=work, held_out=held)
    except NotFiniteError as error:
        # The last good values lie in the state's folder.
        raise NotFiniteError(f"{error.message}; last good offsets in {work}", error.hint) from None
    scores = [float(ranking.scores[head]) for head in heads] if ranking else []
    adapter = replace(adapter, base_model=lm.name, task=task.name, scores=scores)
    write_log(journal, folder, log)
    keep_adapter(journal, name, adapter, lm, chat=how.chat)
    journal.drop(state)
    return adapter, log


def keep_adapter(
    journal: Journal, name: str, adapter: Intervention, lm: CausalLM, *, chat: bool
) -> None:
    """Write an adapter's folder whole, with the base that it belongs to."""
    with journal.folder(name) as folder:
        adapter.save(folder)
        record_base(folder, lm, chat=chat)


def write_log(journal: Journal, folder: str, log: FitLog) -> None:
    """Write the loss (nats) of every optimiser step, and of the examples that were held out."""
    lines = [{"step": step, "loss": loss} for step, loss in enumerate(log.losses, 1)]
    lines += [{"epoch": epoch, "held_out": loss} for epoch, loss in enumerate(log.validation)]
    write_jsonl(journal.file(str(Path(folder, LOG))), lines)


def read_log(journal: Journal, folder: str) -> FitLog:
    """The losses that an earlier run wrote."""
    rows = [row for _, row in read_json_lines(journal.root / folder / LOG)]
    return FitLog(
        losses=[row["loss"] for row in rows if "loss" in row],
        validation=[row["held_out"] for row in rows if "held_out" in row],
    )
