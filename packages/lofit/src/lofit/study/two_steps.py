"""The two steps with their files: what `select-heads`, `tune`, `train` and `transfer` share."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tenpapers.models import AttentionLayout, CausalLM, Head, HeadGeometry
from tenpapers.records import write_jsonl

from ..heads.other_selectors import rank_by
from ..heads.ranking import HeadRanking, read_heads
from ..inputs.encoding import encode
from ..inputs.load_task import Task
from ..offsets.adapter import LofitAdapter
from ..offsets.tune import tune_on_tokens
from ..records import FitLog, SelectConfig, TuneConfig
from ..training.loop import NotFiniteError


@dataclass(frozen=True)
class Encoding:
    """How examples become tokens; None takes the paper's lengths."""

    max_length: int | None = None
    chat: bool = False
    eos_token: str | None = None


def choose_heads(
    lm: CausalLM,
    task: Task,
    config: SelectConfig,
    out: Path,
    *,
    method: str = "lofit",
    encoding: Encoding | None = None,
) -> HeadRanking:
    """Step 1, or another selector; writes `heads.json` and what belongs to it into `out`."""
    ranking = rank_by(
        method,
        lm.model,
        lm.tokenizer,
        task.train,
        task.contrast,
        config,
        state=out / ".step1",
        **asdict(encoding or Encoding()),
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
    found = read_heads(out / "heads.json", HeadGeometry.from_config(lm.model.config))
    return replace(found, scale=load_file(out / "scale.safetensors")["scale"])


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
    how = asdict(encoding or Encoding())
    encoded: Any = encode(lm.tokenizer, task.train, **how)
    try:
        adapter, log = tune_on_tokens(lm.model, encoded, heads, config, state=out / ".step2")
    except NotFiniteError as error:
        # The last good values lie in the state's folder.
        raise NotFiniteError(
            f"{error.message}; last good offsets in {out / '.step2'}", error.hint
        ) from (None)
    scores = [float(ranking.scores[head]) for head in heads] if ranking else []
    adapter = replace(adapter, base_model=lm.name, task=task.name, scores=scores)
    adapter.save(out / "adapter")
    write_log(out, log)
    return adapter, log


def write_log(out: Path, log: FitLog) -> None:
    """Write the loss (nats) of every optimiser step."""
    lines = [{"step": step, "loss": loss} for step, loss in enumerate(log.losses, 1)]
    write_jsonl(out / "train_log.jsonl", lines)
