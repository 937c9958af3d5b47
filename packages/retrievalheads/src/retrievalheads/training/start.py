"""`train` from a dataset file, once, in one process or under a launcher with several."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenpapers.journal import Journal
from tenpapers.models import CausalLM
from tenpapers.report import file_digest
from tenpapers.settings import as_config

from ..records import load_examples
from .attention_tuning import train, train_into
from .settings import BaseSettings, TrainConfig
from .tuned_model import load_base, local_device


@dataclass(frozen=True, kw_only=True)
class TrainingRun(BaseSettings):
    """Which model is trained, on how many examples."""

    max_examples: int | None = None


def train_from_file(
    data: Path,
    out: Path,
    run: TrainingRun,
    config: TrainConfig,
    *,
    overwrite: bool = False,
    wait: bool = False,
) -> dict[str, Any]:
    """Train on a dataset file; gives what `train_state.json` holds.

    Of several processes that a launcher such as torchrun starts, the first keeps the journal.

    Raises
    ------
    UserError : the folder holds another run; see `train`.
    """
    examples = load_examples(data, limit=run.max_examples)
    digest = file_digest(data)

    def load() -> CausalLM:
        return load_base(run.model, run.dtype, run.device or local_device())

    key = run.key("train") | as_config(config)
    if os.environ.get("RANK", "0") != "0":
        return train(load(), examples, out, config, data_sha256=digest)
    with Journal(out, key=key, inputs=[data], overwrite=overwrite, wait=wait) as journal:
        return train_into(journal, ".", load, examples, config, data_sha256=digest)
