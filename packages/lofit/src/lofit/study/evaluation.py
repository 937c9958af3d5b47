"""A model with or without an adapter, graded: `evaluate`, `zero-shot`, a part of a study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypedDict

from tenpapers.errors import UserError
from tenpapers.generation import CompletionCache
from tenpapers.journal import Journal, RowLog
from tenpapers.records import read_json, write_json

from ..baselines.load import load_intervention
from ..inputs.encoding import Encoding
from ..inputs.load_task import read_evaluation
from ..records import MultipleChoiceItem, PreferencePair, SFTExample
from ..scoring.answers import evaluate_answers
from ..scoring.choices import evaluate_choices
from ..scoring.evaluate import evaluate_task, headline
from ..scoring.evaluation import Evaluation
from ..scoring.judges import Judge, Kind, open_judge
from ..scoring.open_answers import evaluate_open
from ..scoring.preferences import evaluate_preferences
from ..scoring.side_effects import side_effects

if TYPE_CHECKING:
    from tenpapers.models import CausalLM

    from ..baselines.intervention import Intervention
    from ..inputs.load_task import Evaluation as Items
    from .settings import EvaluateSettings, TaskSettings


PREDICTIONS = "predictions.jsonl"


def evaluate(settings: EvaluateSettings, journal: Journal) -> tuple[dict[str, Any], Evaluation]:
    """Grade a model; writes `predictions.jsonl` and `results.json`.

    Returns
    -------
    (what `results.json` holds, the evaluation).

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
    with journal.rows(PREDICTIONS) as log:
        graded = _graded(lm, items, intervention, judges, settings, log)
        log.close([item.id for item in items])
    results = graded.as_results() | {
        "model": settings.spec(),
        "adapter": str(settings.adapter) if settings.adapter else None,
        "scale": settings.scale,
        "chat_template": settings.chat(settings.chat_template),
    }
    if settings.documents is not None:
        if intervention is None:
            raise UserError("--documents compares with an adapter", "pass --adapter")
        texts = _documents(settings.documents)
        results["side_effects"] = side_effects(lm, intervention, texts, strength=settings.scale)
    write_json(journal.file("results.json"), results)
    return results, graded


def zero_shot(
    settings: TaskSettings, limit: int | None, journal: Journal
) -> tuple[dict[str, Any], Evaluation]:
    """Grade the base model on the task's test part; the same files as `evaluate`."""
    task = settings.load_task()
    with journal.rows(PREDICTIONS) as log:
        graded = evaluate_task(
            settings.load_model(),
            task,
            limit=limit,
            chat=settings.chat_template,
            log=log,
            progress=True,
        )
        log.close([item.id for item in graded.items])
    results = graded.as_results() | {"model": settings.model, "adapter": None}
    write_json(journal.file("results.json"), results)
    return results, graded


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
    log: RowLog,
) -> Evaluation:
    """Exact match for examples; multiple choice, or judged open answers, for questions."""
    store = CompletionCache() if settings.cache else None
    chat = settings.chat(settings.chat_template)
    questions = [item for item in items if isinstance(item, MultipleChoiceItem)]
    pairs = [item for item in items if isinstance(item, PreferencePair)]
    if pairs:
        how = Encoding(chat=chat, template_options=lm.template_options)
        return evaluate_preferences(
            lm,
            pairs,
            intervention,
            strength=settings.scale,
            encoding=how,
            log=log,
            progress=True,
        )
    if not questions:
        return evaluate_answers(
            lm,
            [item for item in items if isinstance(item, SFTExample)],
            intervention,
            task=settings.task,
            strength=settings.scale,
            max_tokens=settings.max_tokens,
            chat=chat,
            cache=store,
            log=log,
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
            chat=chat,
            prompts=settings.prompts,
            cache=store,
            log=log,
            progress=True,
        )
    return evaluate_choices(
        lm,
        questions,
        intervention,
        strength=settings.scale,
        instruction=settings.instruction,
        chat=chat,
        prompts=settings.prompts,
        log=log,
        progress=True,
    )


def _documents(file: Path) -> list[str]:
    """Documents of a text file, one a line."""
    if not file.is_file():
        raise UserError(f"{file}: no such file")
    return [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


class Measured(TypedDict):
    """Metrics in percent, and the headline metric (0 to 100) of each item."""

    metrics: dict[str, float]
    per_item: list[float]


class Grade(Protocol):
    """Grades what a log lacks."""

    def __call__(self, *, log: RowLog) -> Evaluation:
        """All of it, with what the log had."""
        ...


def measured(journal: Journal, folder: str, grade: Grade) -> Measured:
    """Evaluate once: the numbers are kept in `evaluation.json`, rows until then beside it.

    Parameters
    ----------
    folder : below the run's.

    Raises
    ------
    UserError : some items got no answer; the next run asks them again.
    """
    stage = str(Path(folder, "evaluation.json"))
    if journal.done(stage):
        kept: Measured = read_json(journal.root / stage)
        return kept
    rows = str(Path(folder, "predictions.partial.jsonl"))
    with journal.rows(rows) as log:
        found = grade(log=log)
    if missing := found.unanswered:
        raise UserError(
            f"{journal.root / folder}: {len(missing)} of {len(found.items)} items got no answer "
            f"(first: {missing[0].id}: {missing[0].error})",
            "run the same command again to ask them again",
        )
    kept = {"metrics": found.metrics, "per_item": headline(found)[1]}
    write_json(journal.file(stage), kept)
    journal.finish(stage)
    journal.drop(rows)
    return kept
