"""A model with or without an adapter, graded: `evaluate` and `baseline zero-shot`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenpapers.errors import UserError
from tenpapers.generation import CompletionCache
from tenpapers.records import write_json, write_jsonl

from ..baselines.load import load_intervention
from ..inputs.load_task import read_evaluation
from ..records import MultipleChoiceItem, SFTExample
from ..scoring.evaluate import (
    Evaluation,
    evaluate_answers,
    evaluate_choices,
    evaluate_open,
    evaluate_task,
)
from ..scoring.judges import Judge, Kind, open_judge
from ..scoring.side_effects import side_effects

if TYPE_CHECKING:
    from tenpapers.models import CausalLM

    from ..baselines.intervention import Intervention
    from ..inputs.load_task import Evaluation as Items
    from .settings import EvaluateSettings, TaskSettings


def evaluate(settings: EvaluateSettings, out: Path) -> dict[str, Any]:
    """Grade a model; writes `predictions.jsonl` and `results.json`.

    Returns
    -------
    What `results.json` holds.

    Raises
    ------
    UserError : nothing to evaluate on, no such adapter, a judge that needs an agreement.
    """
    items = _items(settings)[: settings.limit]
    if not items:
        raise UserError(f"--task {settings.task}: nothing to evaluate on")
    intervention = load_intervention(settings.adapter) if settings.adapter else None
    judges = _judges(settings)
    lm = settings.load_model()
    graded = _graded(lm, items, intervention, judges, settings)
    results = graded.as_results() | {
        "model": settings.model,
        "adapter": str(settings.adapter) if settings.adapter else None,
        "scale": settings.scale,
    }
    if settings.documents is not None:
        if intervention is None:
            raise UserError("--documents compares with an adapter", "pass --adapter")
        texts = _documents(settings.documents)
        results["side_effects"] = side_effects(lm, intervention, texts, strength=settings.scale)
    _write(out, graded, results)
    return results


def zero_shot(settings: TaskSettings, limit: int | None, out: Path) -> dict[str, Any]:
    """Grade the base model on the task's test part; the same files as `evaluate`."""
    task = settings.load_task()
    graded = evaluate_task(settings.load_model(), task, limit=limit, progress=True)
    results = graded.as_results() | {"model": settings.model, "adapter": None}
    _write(out, graded, results)
    return results


def _write(out: Path, graded: Evaluation, results: dict[str, Any]) -> None:
    write_jsonl(out / "predictions.jsonl", graded.items)
    write_json(out / "results.json", results)


def _items(settings: EvaluateSettings) -> Items:
    """Items of a published file, or of a part of the task."""
    data = settings.data
    if data is not None and data.is_file():
        return read_evaluation(
            settings.task,
            data,
            prompts=settings.prompts,
            quirks=settings.official_quirks,
            dedup=settings.dedup,
        )
    if data is not None and not data.exists():
        raise UserError(f"{data}: no such file or folder")
    return settings.load_task().part(settings.split)


def _judges(settings: EvaluateSettings) -> dict[Kind, Judge]:
    named: dict[Kind, str | None] = {
        "true": settings.judge_true,
        "informative": settings.judge_informative,
    }
    return {
        kind: open_judge(spec, kind, allow_http=settings.allow_http)
        for kind, spec in named.items()
        if spec
    }


def _graded(
    lm: CausalLM,
    items: Items,
    intervention: Intervention | None,
    judges: dict[Kind, Judge],
    settings: EvaluateSettings,
) -> Evaluation:
    """Exact match for examples; multiple choice, or judged open answers, for questions."""
    store = CompletionCache() if settings.cache else None
    questions = [item for item in items if isinstance(item, MultipleChoiceItem)]
    if not questions:
        return evaluate_answers(
            lm,
            [item for item in items if isinstance(item, SFTExample)],
            intervention,
            task=settings.task,
            strength=settings.scale,
            max_tokens=settings.max_tokens,
            chat=settings.chat_template,
            cache=store,
            progress=True,
        )
    if judges:
        return evaluate_open(
            lm,
            questions,
            judges,
            intervention,
            strength=settings.scale,
            instruction=settings.instruction,
            prompts=settings.prompts,
            cache=store,
            progress=True,
        )
    return evaluate_choices(
        lm,
        questions,
        intervention,
        strength=settings.scale,
        instruction=settings.instruction,
        prompts=settings.prompts,
        progress=True,
    )


def _documents(file: Path) -> list[str]:
    """Documents of a text file, one a line."""
    if not file.is_file():
        raise UserError(f"{file}: no such file")
    return [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
