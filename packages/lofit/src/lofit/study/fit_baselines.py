"""Baselines fitted on a task, with the files that training writes: `lofit baseline METHOD`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tenpapers.errors import UserError
from tenpapers.models import AttentionLayout

from ..baselines.intervention import Intervention
from ..baselines.iti import fit_iti
from ..baselines.lora import fit_lora
from ..baselines.loreft import fit_reft
from ..baselines.red import fit_red
from ..baselines.repe import RepeAdapter, fit_repe
from ..heads.ranking import default_k
from ..inputs.encoding import Encoding
from ..records import FitConfig, FitLog
from ..scoring.evaluate import evaluate_task, headline
from .two_steps import write_log

if TYPE_CHECKING:
    from tenpapers.models import CausalLM

    from ..inputs.load_task import Task
    from .settings import FittedSettings, ItiSettings, RepeSettings

Trained = Literal["lora", "red", "reft"]
_FITTERS: dict[Trained, Callable[..., tuple[Intervention, FitLog]]] = {
    "lora": fit_lora,
    "red": fit_red,
    "reft": fit_reft,
}
# Strengths of RepE that are tried on the validation part.
COEFFICIENTS = (0.5, 1.0, 2.0, 4.0, 8.0)


def iti(settings: ItiSettings, out: Path) -> Intervention:
    """Make ITI's vectors; writes `adapter/`, the ranking of its probes and a manifest."""
    began = time.monotonic()
    task = settings.load_task()
    lm = settings.load_model()
    geometry = AttentionLayout.from_model(lm.model).geometry
    adapter, ranking = fit_iti(
        lm.model,
        lm.tokenizer,
        task.contrast,
        k=default_k(geometry) if settings.top_k is None else settings.top_k,
        alpha=settings.alpha,
        direction=settings.direction,
        all_positions=settings.all_positions,
        seed=settings.seed,
        chat=settings.chat_template,
        progress=True,
    )
    ranking.save(out, geometry)
    adapter.save(out / "adapter")
    settings.write_manifest(out, task, began=began, method="iti", trainable=adapter.n_parameters)
    return adapter


def repe(settings: RepeSettings, out: Path) -> tuple[RepeAdapter, dict[float, float]]:
    """Make RepE's vectors, with the best strength on val where none is given.

    Returns
    -------
    (the adapter, the mean headline metric of each strength that was tried).

    Raises
    ------
    UserError : a window that is not FIRST:END, or see `fit_repe`.
    """
    began = time.monotonic()
    window = _window(settings.window)
    task = settings.load_task()
    lm = settings.load_model()
    adapter = fit_repe(
        lm.model,
        lm.tokenizer,
        task.contrast,
        window=window,
        seed=settings.seed,
        chat=settings.chat_template,
    )
    tried: dict[float, float] = {}
    coefficient = settings.coefficient
    if coefficient is None and task.val:
        tried = _tried(lm, task, adapter, settings)
        coefficient = max(tried, key=lambda strength: (tried[strength], -strength))
    adapter = replace(adapter, coefficient=1.0 if coefficient is None else coefficient)
    adapter.save(out / "adapter")
    settings.write_manifest(
        out,
        task,
        began=began,
        method="repe",
        trainable=adapter.n_parameters,
        coefficient=adapter.coefficient,
        tried=tried,
    )
    return adapter, tried


def _window(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    first, _, end = text.partition(":")
    if not (first.isdigit() and end.isdigit()):
        raise UserError(f"--window {text}: FIRST:END is wanted, e.g. 10:20")
    return int(first), int(end)


def _tried(
    lm: CausalLM, task: Task, adapter: RepeAdapter, settings: RepeSettings
) -> dict[float, float]:
    means = {}
    for coefficient in COEFFICIENTS:
        candidate = replace(adapter, coefficient=coefficient)
        found = evaluate_task(
            lm, task, candidate, split="val", limit=settings.limit, chat=settings.chat_template
        )
        _, values = headline(found)
        means[coefficient] = sum(values) / len(values)
    return means


def trained(method: Trained, settings: FittedSettings, out: Path) -> Intervention:
    """Train LoRA, RED or LoReFT with the losses and the loop of LoFiT."""
    began = time.monotonic()
    task = settings.load_task()
    lm = settings.load_model()
    config = FitConfig(
        lr=settings.lr,
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        seed=settings.seed,
    )
    adapter, log = _FITTERS[method](
        lm.model,
        lm.tokenizer,
        task.train,
        config,
        state=out / ".fit",
        encoding=Encoding(chat=settings.chat_template),
    )
    write_log(out, log)
    adapter.save(out / "adapter")
    settings.write_manifest(out, task, began=began, method=method, trainable=adapter.n_parameters)
    return adapter
