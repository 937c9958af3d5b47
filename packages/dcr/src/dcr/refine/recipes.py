"""The four recipes (DCR, section on methods): which steps there are, and what the refiner is told.

| recipe | detect | critique | the refiner is told | unchanged |
|---|---|---|---|---|
| direct | - | - | to edit errors away, if there are any | if it says so |
| feed_refine | - | of every sentence | the critiques | never |
| detect_refine | yes | - | that there are errors | where all sentences are supported |
| dcr | yes | of flagged sentences | the critiques | where all sentences are supported |
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, get_args

from tenpapers.errors import UserError
from tenpapers.sentences import sentence_split

from ..critique.critic import Critic
from ..critique.stage import Clock, Counted, critiqued_rows, labelled
from ..records import Critiqued, Detected, EmptyResponseError, Instance, Recipe, Refined
from .feedback import feedback_of
from .refiner import Refiner, RefineRequest, RefineResult, Told

if TYPE_CHECKING:
    from ..detect.detector import Detector

log = logging.getLogger(__name__)

RECIPES: tuple[Recipe, ...] = get_args(Recipe)
# Instances that go through all steps together.
TOGETHER = 64
NOBODY = "none"


@dataclass(frozen=True)
class Steps:
    """What a recipe consists of."""

    detects: bool
    criticises: bool
    told: Told


STEPS: dict[Recipe, Steps] = {
    "direct": Steps(detects=False, criticises=False, told="direct"),
    "feed_refine": Steps(detects=False, criticises=True, told="feedback"),
    "detect_refine": Steps(detects=True, criticises=False, told="detected"),
    "dcr": Steps(detects=True, criticises=True, told="feedback"),
}


@dataclass(frozen=True)
class Components:
    """What a recipe is run with.

    Parameters
    ----------
    critic : asked with the variant `without_correct` in DCR, `with_correct` in Feed+Refine.
    samples : refinements that are drawn of each response.
    """

    refiner: Refiner
    detector: "Detector | None" = None
    critic: Critic | None = None
    samples: int = 1


def steps_of(recipe: str) -> Steps:
    """The steps of a recipe.

    Raises
    ------
    UserError : there is no such recipe.
    """
    for name, steps in STEPS.items():
        if name == recipe:
            return steps
    raise UserError(f"unknown recipe {recipe!r}", f"one of {', '.join(RECIPES)}")


def run_recipe(
    name: str,
    instances: Iterable[Instance],
    components: Components,
    counted: Counted | None = None,
) -> Iterator[Refined]:
    """Refine responses by a recipe, in their order.

    Parameters
    ----------
    counted : takes what happened on the way; without it what failed is only logged.

    Raises
    ------
    UserError : no such recipe, or a component is missing that it needs; an empty response or
        document.
    """
    check_components(name, components)
    recipe: Recipe = name  # type: ignore[assignment]
    told = counted if counted is not None else Counted()
    left = iter(instances)
    while group := list(islice(left, TOGETHER)):
        detected = list(detected_rows(group, recipe, components.detector))
        criticised = {
            row.id: row for row in with_critiques(detected, recipe, components.critic, told)
        }
        told.failed |= told.undetected
        rows = [criticised[one.id] for one in group if one.id in criticised]
        refined = {
            row.id: row for row in refined_rows(rows, components.refiner, told, components.samples)
        }
        yield from (refined[one.id] for one in group if one.id in refined)
    if counted is None:
        for instance, words in told.failed.items():
            log.warning("%s: not refined: %s", instance, words)


def check_components(recipe: str, components: Components) -> None:
    """Refuse a recipe that lacks a component.

    Raises
    ------
    UserError : it does, or there is no such recipe.
    """
    steps = steps_of(recipe)
    needed = {
        "detector": steps.detects and components.detector is None,
        "critic": steps.criticises and components.critic is None,
    }
    for what, missing in needed.items():
        if missing:
            raise UserError(f"recipe {recipe}: needs a {what}", f"--{what}")
    check_told(recipe, components.refiner.name, components.refiner.told)


def check_told(recipe: str, refiner: str, told: Sequence[Told]) -> None:
    """Refuse a refiner that edits by critiques in a recipe that has none.

    Raises
    ------
    UserError : it does.
    """
    if steps_of(recipe).told not in told:
        raise UserError(
            f"recipe {recipe}: has no critiques, and {refiner} edits by them",
            "take dcr or feed_refine, or a model as --refiner",
        )


def detected_rows(
    instances: Sequence[Instance], recipe: Recipe, detector: "Detector | None"
) -> Iterator[Detected]:
    """Responses with their sentences, and with labels where the recipe detects."""
    from ..detect.detect import detect

    if STEPS[recipe].detects and detector is not None:
        yield from detect(instances, detector)
    else:
        yield from map(not_detected, instances)


def not_detected(instance: Instance) -> Detected:
    """A response whose sentences nobody labelled.

    Raises
    ------
    EmptyResponseError : there is nothing in it.
    """
    if not instance.response:
        raise EmptyResponseError(f"{instance.id}: the response is empty", "leave the row out")
    sentences = sentence_split(instance.response)
    told = {
        "sentences": [one.text for one in sentences],
        "offsets": [(one.start, one.end) for one in sentences],
        "support_prob": [],
        "labels": [],
        "response_ok": not sentences,
        "detector": NOBODY,
    }
    return Detected.model_validate(dict(instance) | told)


def with_critiques(
    rows: Sequence[Detected],
    recipe: Recipe,
    critic: Critic | None,
    counted: Counted,
    *,
    progress: str | None = None,
) -> Iterator[Critiqued]:
    """Responses with critiques, or with none where the recipe has no critic."""
    if STEPS[recipe].criticises and critic is not None:
        yield from critiqued_rows(
            rows, critic, counted, all_sentences=recipe == "feed_refine", progress=progress
        )
        return
    for row in labelled(rows, counted):
        yield Critiqued.model_validate(dict(row) | {"critiques": (), "recipe": recipe})


def refined_rows(
    rows: Sequence[Critiqued],
    refiner: Refiner,
    counted: Counted,
    samples: int = 1,
    *,
    progress: str | None = None,
) -> Iterator[Refined]:
    """Refined responses as they are done, in any order.

    Those that need no refinement come first, unchanged. One whose request failed is left out, and
    told in `counted`.
    """
    clock = Clock()
    row_of = {row.id: row for row in rows}
    asked: list[RefineRequest] = []
    for row in rows:
        told = STEPS[row.recipe].told
        feedback = feedback_of(row.critiques)
        if row.response_ok:
            yield _refined(row, "", RefineResult(row.response, "", ()), clock)
        elif told == "feedback" and not feedback:
            # Every critique was withheld: there is nothing to refine by.
            nothing = RefineResult(row.response, "", (), rejection="no critique")
            yield _refined(row, "", nothing, clock)
        else:
            asked.append(RefineRequest(row, told, feedback, row.critiques))
    for item, result in refiner.stream(asked, samples, progress=progress) if asked else ():
        name = item.instance.id
        if result.error:
            counted.failed[name] = f"refiner: {result.error}"
        else:
            yield _refined(row_of[name], item.feedback, result, clock, refiner.name)


def _refined(
    row: Critiqued, feedback: str, result: RefineResult, clock: Clock, refiner: str = NOBODY
) -> Refined:
    told = {
        "feedback": feedback,
        "samples": result.samples,
        "refined_raw": result.raw,
        "refined": result.text,
        "changed": result.text != row.response,
        "rejected": result.rejected,
        "rejection": result.rejection,
        "cleaned": result.cleaned,
        "refiner": refiner,
        "calls": row.calls + result.calls,
        "timings": row.timings | {"refine": clock.lap()},
    }
    clock.resume()
    return Refined.model_validate(dict(row) | told)
