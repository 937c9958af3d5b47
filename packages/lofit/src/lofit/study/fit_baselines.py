"""Baselines fitted on a task, with the files that training writes: `lofit baseline METHOD`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from tenpapers.errors import UserError
from tenpapers.journal import Journal
from tenpapers.models import AttentionLayout
from tenpapers.records import read_json

from ..baselines.intervention import Intervention
from ..baselines.iti import fit_iti
from ..baselines.load import load_intervention
from ..baselines.lora import fit_lora
from ..baselines.loreft import fit_reft
from ..baselines.red import fit_red
from ..baselines.repe import RepeAdapter, fit_repe
from ..heads.ranking import default_k
from ..inputs.encoding import Encoding
from ..records import FitConfig, FitLog
from ..scoring.evaluate import evaluate_task, headline
from .two_steps import keep_adapter, write_log, write_ranking

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


ADAPTER = "adapter"


def iti(settings: ItiSettings, journal: Journal) -> Intervention:
    """Make ITI's vectors, once; writes `adapter/`, the ranking of its probes and a manifest."""
    if journal.done("baseline"):
        return load_intervention(journal.root / ADAPTER)
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
    write_ranking(journal, ".", ranking, geometry)
    keep_adapter(journal, ADAPTER, adapter, lm, chat=settings.chat_template)
    numbers = adapter.n_parameters
    settings.write_manifest(journal, task, began=began, method="iti", trainable=numbers)
    journal.finish("baseline")
    return adapter


def repe(settings: RepeSettings, journal: Journal) -> tuple[Intervention, dict[float, float]]:
    """Make RepE's vectors, once, with the best strength on val where none is given.

    Returns
    -------
    (the adapter, the mean headline metric of each strength that was tried).

    Raises
    ------
    UserError : a window that is not FIRST:END, or see `fit_repe`.
    """
    if journal.done("baseline"):
        kept = read_json(journal.file("manifest.json"))["tried"]
        found = {float(strength): mean for strength, mean in kept.items()}
        return load_intervention(journal.root / ADAPTER), found
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
    keep_adapter(journal, ADAPTER, adapter, lm, chat=settings.chat_template)
    settings.write_manifest(
        journal,
        task,
        began=began,
        method="repe",
        trainable=adapter.n_parameters,
        coefficient=adapter.coefficient,
        tried=tried,
    )
    journal.finish("baseline")
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


def trained(method: Trained, settings: FittedSettings, journal: Journal) -> Intervention:
    """Train LoRA, RED or LoReFT, once, with the losses and the loop of LoFiT."""
    if journal.done("baseline"):
        return load_intervention(journal.root / ADAPTER)
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
        state=journal.workspace(".fit"),
        encoding=Encoding(chat=settings.chat_template),
    )
    write_log(journal, ".", log)
    keep_adapter(journal, ADAPTER, adapter, lm, chat=settings.chat_template)
    numbers = adapter.n_parameters
    settings.write_manifest(journal, task, began=began, method=method, trainable=numbers)
    journal.finish("baseline")
    journal.drop(".fit")
    return adapter
