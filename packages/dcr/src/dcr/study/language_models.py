"""The four recipes with language models, on a few responses or on all."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from tenpapers.journal import Journal, known_by

from ..critique.critic import CriticOptions, Variant
from ..critique.language_model import LanguageModel
from ..critique.model_critic import ModelCritic
from ..critique.stage import Counted
from ..detect.open_detector import open_detector
from ..records import Instance, Recipe, Revised
from ..refine.model_refiner import ModelRefiner
from ..refine.recipes import RECIPES, Components, run_recipe
from ..refine.refiner import RefinerOptions
from ..scoring.evaluate import Models, score_rows
from ..scoring.settings import EvaluateSettings
from .settings import Study

Fields = dict[str, Any]
FOLDER = "models"


@dataclass(frozen=True)
class RefinedByModels:
    """What became of the responses.

    Parameters
    ----------
    summaries : by recipe what `dcr evaluate` says, and how many requests `failed`.
    examples : one refinement a recipe, of the first response.
    failed, asked : requests of this run that got no answer, and all.
    """

    summaries: Mapping[str, Fields]
    examples: Mapping[str, Fields]
    failed: int
    asked: int


def chosen(instances: Sequence[Instance], study: Study) -> list[Instance]:
    """Responses whose documents are short enough, evenly spread; 0 takes all."""
    short = [one for one in instances if len(one.document.split()) <= study.document_words]
    count = min(study.instances or len(short), len(short))
    return [short[i * len(short) // count] for i in range(count)]


def identities(study: Study) -> Fields:
    """What the results depend on, for the journal; no model is loaded."""
    if not study.models:
        return {}
    known = {
        name: known_by(spec, LanguageModel.identity_of(spec))
        for name, spec in (("critic", study.critic), ("refiner", study.refiner))
    }
    with open_detector(study.detector) as detector:
        return known | {"detector": known_by(study.detector, detector.identity)}


def refine_with_models(
    instances: Sequence[Instance], study: Study, journal: Journal
) -> RefinedByModels:
    """Run every recipe and score it; what is done already is kept."""
    with ExitStack() as held:
        critic = held.enter_context(LanguageModel.open(study.critic, cache=study.cache))
        refiner = critic
        if study.refiner != study.critic:
            refiner = held.enter_context(LanguageModel.open(study.refiner, cache=study.cache))
        detector = held.enter_context(open_detector(study.detector))
        counted: dict[str, Counted] = {recipe: Counted() for recipe in RECIPES}
        rows: dict[str, list[Revised]] = {}
        for recipe in RECIPES:
            components = Components(
                ModelRefiner(refiner, _options(RefinerOptions, study)),
                detector,
                ModelCritic(critic, _options(CriticOptions, study, variant=_variant(recipe))),
                study.samples,
            )
            log = journal.rows(f"{FOLDER}/{recipe}.jsonl")
            with log:
                for row in run_recipe(recipe, log.missing(instances), components, counted[recipe]):
                    log.write(row)
                log.close(order=[one.id for one in instances])
            rows[recipe] = [Revised.model_validate(row) for row in log.rows.values()]
    summaries = _scored(rows, study, journal)
    for name, summary in summaries.items():
        summary["failed"] = len(counted[name].failed)
    return RefinedByModels(
        summaries,
        {name: _example(found[0]) for name, found in rows.items() if found},
        sum(len(one.failed) for one in counted.values()),
        len(instances) * len(RECIPES),
    )


def _variant(recipe: Recipe) -> Variant:
    return "with_correct" if recipe == "feed_refine" else "without_correct"


def _options(kind: Any, study: Study, **more: object) -> Any:
    return kind(max_new_tokens=study.new_tokens, seed=study.seed, cache=study.cache, **more)


def _scored(
    rows: Mapping[str, Sequence[Revised]], study: Study, journal: Journal
) -> dict[str, Fields]:
    settings = EvaluateSettings(
        journal.root,
        metrics=study.metrics,
        judge=study.judge,
        aligner=study.aligner,
        detector=study.detector,
        draws=study.draws,
        judge_tokens=study.judge_tokens,
        seed=study.seed,
        cache=study.cache,
    )
    made = {}
    with ExitStack() as held:
        models = Models(settings, settings.chosen(), held)
        for recipe, found in rows.items():
            if found:
                folder = f"{FOLDER}/{recipe}"
                made[recipe] = score_rows(settings, found, models, journal, folder=folder)[1]
    return made


def _example(row: Revised) -> Fields:
    return {
        "id": row.id,
        "response": row.response,
        "critiques": [one.raw for one in row.critiques],
        "refined": row.refined,
        "rejection": row.rejection,
    }
