"""The two steps with their files: what `select-heads`, `tune`, `train` and the studies share."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tenpapers.models import AttentionLayout, CausalLM, Head, HeadGeometry
from tenpapers.records import write_jsonl

from ..baselines.parameter_counts import parameter_counts
from ..heads.other_selectors import rank_by
from ..heads.ranking import HeadRanking, check_k, default_k, read_heads
from ..inputs.encoding import Encoding, encode
from ..inputs.load_task import Task
from ..offsets.adapter import LofitAdapter
from ..offsets.tune import tune_on_tokens
from ..records import FitLog, SelectConfig, Selector, TuneConfig
from ..training.loop import NotFiniteError
from .settings import TrainSettings


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
        """First and last loss of step 2."""
        return f"{self.log.losses[0]:.3f} -> {self.log.losses[-1]:.3f}"


def rank(settings: TrainSettings, method: Selector, out: Path) -> Ranked:
    """Step 1 as a command: rank the heads by any rule; writes `heads.json` and a manifest.

    Raises
    ------
    UserError : K is not a number of the model's heads, or what `rank_by` and the task need.
    """
    began = time.monotonic()
    task = settings.load_task()
    lm = settings.load_model()
    k = _wanted_k(settings, lm)
    ranking = choose_heads(
        lm, task, settings.select(), out, method=method, encoding=settings.encoding()
    )
    counts = parameter_counts(lm.model.config, k)
    settings.write_manifest(out, task, began=began, trainable=counts)
    return Ranked(method, ranking.top(k), len(ranking.order), counts, task.missing_note())


def tune(settings: TrainSettings, heads: Path, out: Path) -> Tuned:
    """Step 2 as a command: offsets on the first K heads of a file; writes `adapter/`."""
    began = time.monotonic()
    task = settings.load_task()
    lm = settings.load_model()
    shape = HeadGeometry.from_config(lm.model.config)
    ranking = read_heads(heads, shape)
    k = settings.top_k
    if k is None:
        k = min(default_k(shape), len(ranking.order))
    return _tune(settings, lm, task, ranking.top(k), ranking=ranking, out=out, began=began)


def train(settings: TrainSettings, out: Path) -> tuple[Tuned, HeadRanking]:
    """Both steps as a command; writes `heads.json` and `adapter/`."""
    began = time.monotonic()
    task = settings.load_task()
    lm = settings.load_model()
    k = _wanted_k(settings, lm)
    ranking = choose_heads(lm, task, settings.select(), out, encoding=settings.encoding())
    tuned = _tune(settings, lm, task, ranking.top(k), ranking=ranking, out=out, began=began)
    return tuned, ranking


def _wanted_k(settings: TrainSettings, lm: CausalLM) -> int:
    shape = HeadGeometry.from_config(lm.model.config)
    k = default_k(shape) if settings.top_k is None else settings.top_k
    check_k(k, shape.n_layers * shape.n_heads, shape.n_layers * shape.n_heads)
    return k


def _tune(
    settings: TrainSettings,
    lm: CausalLM,
    task: Task,
    heads: Sequence[Head],
    *,
    ranking: HeadRanking,
    out: Path,
    began: float,
) -> Tuned:
    adapter, log = learn_offsets(
        lm, task, heads, settings.tune(), out, ranking=ranking, encoding=settings.encoding()
    )
    settings.write_manifest(out, task, began=began, trainable=adapter.n_parameters)
    return Tuned(adapter, log, task.missing_note())


def choose_heads(
    lm: CausalLM,
    task: Task,
    config: SelectConfig,
    out: Path,
    *,
    method: Selector = "lofit",
    encoding: Encoding | None = None,
) -> HeadRanking:
    """Step 1, or another selector; writes `heads.json` and what belongs to it into `out`."""
    ranking = rank_by(
        method,
        lm.model,
        lm.tokenizer,
        task.train,
        task.contrast,
        config=config,
        state=out / ".step1",
        encoding=encoding,
    )
    ranking.save(out, AttentionLayout.from_model(lm.model).geometry)
    return ranking


def kept_heads(
    lm: CausalLM,
    task: Task,
    config: SelectConfig,
    out: Path,
    *,
    encoding: Encoding | None = None,
) -> HeadRanking:
    """Step 1, unless its result lies in `out` already, with its scales."""
    from safetensors.torch import load_file

    if not (out / "heads.json").exists():
        return choose_heads(lm, task, config, out, encoding=encoding)
    ranking = read_heads(out / "heads.json", HeadGeometry.from_config(lm.model.config))
    return replace(ranking, scale=load_file(out / "scale.safetensors")["scale"])


def learn_offsets(
    lm: CausalLM,
    task: Task,
    heads: Sequence[Head],
    config: TuneConfig,
    out: Path,
    *,
    ranking: HeadRanking | None = None,
    encoding: Encoding | None = None,
) -> tuple[LofitAdapter, FitLog]:
    """Step 2; writes `adapter/` and `train_log.jsonl` into `out`."""
    encoded = encode(lm.tokenizer, task.train, encoding)
    try:
        adapter, log = tune_on_tokens(lm.model, encoded, heads, config, state=out / ".step2")
    except NotFiniteError as error:
        # The last good values lie in the state's folder.
        raise NotFiniteError(
            f"{error.message}; last good offsets in {out / '.step2'}", error.hint
        ) from None
    scores = [float(ranking.scores[head]) for head in heads] if ranking else []
    adapter = replace(adapter, base_model=lm.name, task=task.name, scores=scores)
    adapter.save(out / "adapter")
    write_log(out, log)
    return adapter, log


def write_log(out: Path, log: FitLog) -> None:
    """Write the loss (nats) of every optimiser step."""
    lines = [{"step": step, "loss": loss} for step, loss in enumerate(log.losses, 1)]
    write_jsonl(out / "train_log.jsonl", lines)
