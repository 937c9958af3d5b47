"""Fine-tuning from training rows to a checkpoint."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tenpapers.errors import UserError

from ..contrast.across_devices import n_processes
from ..contrast.splits import split_by_claim
from ..contrast.tuples import TrainingSet, training_set
from ..records import Training
from ..retrieval.encoder import Encoder, EncoderConfig, Side
from .loop import fit
from .settings import TrainSettings
from .state import Progress, State
from .trained_models import Heads, Texts, Trainable, close_scope, open_scope, query_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainReport:
    """A run of training in numbers.

    Parameters
    ----------
    rows, tuples : trained on; `without_positive` rows were left out.
    dev_rows : that it was stopped by.
    steps : that were taken; `best_epoch`, from 1, is the one that is kept, None without dev rows.
    loss : mean of each epoch, in nats.
    dev_before, dev_mrr : mean reciprocal rank before training and after each epoch.
    seconds : of the steps, on a clock.
    """

    base: str
    scope: str
    rows: int
    tuples: int
    without_positive: int
    dev_rows: int
    steps: int
    batch: int
    processes: int
    hard_negatives: int
    in_batch: bool
    temperature: float
    score: str
    lr: float
    weight_decay: float
    loss: list[float]
    dev_before: float | None
    dev_mrr: list[float]
    best_epoch: int | None
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """As `metrics.json` holds it."""
        return dataclasses.asdict(self)

    def told(self) -> str:
        """In words."""
        kept = ""
        if self.best_epoch is not None:
            kept = (
                f"dev MRR {self.dev_before:.3f} before, {self.dev_mrr[self.best_epoch - 1]:.3f} "
                f"after epoch {self.best_epoch} of {len(self.dev_mrr)}, which is kept "
                f"({self.dev_rows} rows)"
            )
            if self.dev_mrr[self.best_epoch - 1] <= (self.dev_before or 0):
                kept += "; training did not help"
        lines = [
            f"{self.tuples} tuples of {self.rows} queries ({self.without_positive} queries without "
            f"a positive left out), {self.steps} steps in {self.seconds:.1f} s",
            f"scope {self.scope}, batch {self.batch} with {self.hard_negatives} hard negatives "
            f"each, {'with' if self.in_batch else 'without'} in-batch negatives, temperature "
            f"{self.temperature:g}, learning rate {self.lr:g}",
            f"loss {self.loss[0]:.3f} in the first epoch, {self.loss[-1]:.3f} in the last",
            kept,
        ]
        return "\n".join(line for line in lines if line)


def train(
    model: Encoder,
    rows: Sequence[Training],
    cfg: TrainSettings,
    *,
    dev: Sequence[Training] | None = None,
    state: State | None = None,
    show: str | None = None,
) -> TrainReport:
    """Fine-tune a bi-encoder with a contrastive loss on tuples of query and document.

    Parameters
    ----------
    model : an encoder; it is changed.
    dev : rows to stop by; None takes `cfg.dev_share` of the claims of `rows` for it.
    state : where the run is saved to go on after a kill.
    show : what a progress bar says, None for none.

    Raises
    ------
    UserError : no row has a positive; an unknown scope; a loss that is not a number.
    """
    _ = cfg.kind  # an unknown scope is told before a model is loaded
    if dev is None:
        rows, dev = split_by_claim(
            rows, cfg.dev_share, claim_of=lambda row: row.claim or row.question, seed=cfg.seed
        )
    data = training_set(rows)
    dev_data = _dev_set(dev, cfg)
    _set_up(model, cfg)
    if cfg.kind == "head":
        progress = _train_head(model, data, dev_data, cfg, state, show)
    else:
        open_scope(model, cfg)
        texts = Texts(model, data.rows, data.documents.texts)
        held: tuple[Trainable, TrainingSet] | None = None
        if dev_data is not None:
            held = Texts(model, dev_data.rows, dev_data.documents.texts), dev_data
        progress = fit(texts, data, cfg, dev=held, state=state, show=show)
        close_scope(model)
    return _report(model, data, dev_data, cfg, progress)


def train_heads(
    data: TrainingSet,
    queries: np.ndarray,
    documents: np.ndarray,
    cfg: TrainSettings,
    *,
    dev: tuple[TrainingSet, np.ndarray, np.ndarray] | None = None,
    state: State | None = None,
    show: str | None = None,
) -> tuple[dict[Side, np.ndarray], Progress]:
    """Train the two matrices on vectors that are at hand.

    Parameters
    ----------
    queries, documents : float32 (n, dim), of `data.rows` and `data.documents`.
    dev : a set with the vectors of its rows and documents.

    Returns
    -------
    The matrices by side, (dim, dim): a vector becomes `matrix @ vector`; and how it went.

    Raises
    ------
    UserError : see `train`.
    """
    heads = Heads(queries, documents, pull=cfg.pull, device=cfg.device or "cpu")
    held = (heads.over(dev[1], dev[2]), dev[0]) if dev is not None else None
    progress = fit(heads, data, cfg, dev=held, state=state, show=show)
    matrices: dict[Side, np.ndarray] = {
        "query": heads.parameters["query"].detach().cpu().numpy(),
        "document": heads.parameters["document"].detach().cpu().numpy(),
    }
    return matrices, progress


def _train_head(
    encoder: Encoder,
    data: TrainingSet,
    dev: TrainingSet | None,
    cfg: TrainSettings,
    state: State | None,
    show: str | None,
) -> Progress:
    import torch

    def vectors_of(part: TrainingSet) -> tuple[np.ndarray, np.ndarray]:
        queries = encoder.encode_queries([query_of(row) for row in part.rows], progress=show)
        length = encoder.config.document_length
        return queries, encoder.encode(part.documents.texts, length, progress=show)

    encoder.heads = {}
    held = (dev, *vectors_of(dev)) if dev is not None else None
    matrices, progress = train_heads(data, *vectors_of(data), cfg, dev=held, state=state, show=show)
    device = encoder.model.device
    encoder.heads = {side: torch.from_numpy(m).to(device) for side, m in matrices.items()}
    return progress


def _dev_set(dev: Sequence[Training], cfg: TrainSettings) -> TrainingSet | None:
    """Rows to stop by; None where none of them says anything of a ranking."""
    usable = [row for row in dev if row.positives and (row.negatives or cfg.dev_pool == "all")]
    if dev and not usable:
        log.warning("no dev row has a positive and a negative: training is not stopped early")
    return training_set(usable) if usable else None


def _set_up(encoder: Encoder, cfg: TrainSettings) -> None:
    """Set an encoder to what the settings say."""
    if encoder.heads and cfg.kind != "head":
        raise UserError(
            f"{encoder.name}: has matrices on its vectors", "train those with --scope head"
        )
    if encoder.heads:
        log.warning("%s: its matrices are trained anew, from no change", encoder.name)
    encoder.normalize = cfg.score == "cosine"
    encoder.config = EncoderConfig(
        score=cfg.score,
        pooling=cfg.pooling,
        query_format=cfg.query_format,
        query_length=cfg.query_length,
        document_length=cfg.document_length,
        normalize_text=cfg.normalize_text,
    )


def _report(
    encoder: Encoder,
    data: TrainingSet,
    dev: TrainingSet | None,
    cfg: TrainSettings,
    progress: Progress,
) -> TrainReport:
    return TrainReport(
        base=encoder.name,
        scope=cfg.scope,
        rows=len(data.rows),
        tuples=len(data.tuples),
        without_positive=data.without_positive,
        dev_rows=len(dev.rows) if dev else 0,
        steps=len(progress.losses),
        batch=cfg.batch,
        processes=n_processes(),
        hard_negatives=cfg.hard_negatives,
        in_batch=cfg.in_batch,
        temperature=cfg.temperature,
        score=cfg.score,
        lr=cfg.rate,
        weight_decay=cfg.decay,
        loss=progress.epoch_losses,
        dev_before=progress.dev_before,
        dev_mrr=progress.dev_mrr,
        best_epoch=progress.best_epoch,
        seconds=progress.seconds,
    )
