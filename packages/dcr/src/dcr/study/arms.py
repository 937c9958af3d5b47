"""The rows of the controlled experiment: what each way of refining makes of known errors.

Every sentence comes twice, right and with one error of which span and fix are known. Whether a
refinement is right is read off the sentences, by no model: what a detector says of a text that it
helped to change proves nothing.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..controlled.spans import spans, strings_of
from ..critique.critic import CriticOptions, requests_of
from ..critique.occlusion import Occlusion
from ..critique.stage import Counted
from ..detect.detect import detect
from ..detect.detector import Detector
from ..records import Critique, Critiqued, Detected, Instance, Refined
from ..refine.recipes import Components, refined_rows, run_recipe
from ..refine.span_edit import SpanEdit

NOTHING, DROP, RANDOM = "no refinement", "Detect, drop what is flagged", "Detect, random edit"
FEED, DCR, SPAN_ONLY = "Feed+Refine", "DCR", "DCR, critiques without a fix"
ORACLE_DETECTOR = "DCR, oracle detector"
ORACLE_CRITIC = "DCR, oracle critic"
ORACLE = "DCR, oracle detector and critic"


class Pair(NamedTuple):
    """A sentence that its document supports, and the same with one error.

    Parameters
    ----------
    unit : name of its document; sentences of one are not independent.
    """

    unit: str
    clean: Instance
    damaged: Instance


@dataclass(frozen=True)
class Outcome:
    """What an arm made of the pairs, in their order.

    Parameters
    ----------
    restored, intact : damaged sentences that are what they were; clean ones that stayed.
    texts : by id of the instance.
    critiques : sentences that the critic was asked about.
    rows : as they came from the recipe; empty for arms that run none.
    """

    restored: Sequence[bool]
    intact: Sequence[bool]
    texts: Mapping[str, str]
    critiques: int
    rows: Mapping[str, Refined]


def run_arms(pairs: Sequence[Pair], detector: Detector, seed: int) -> dict[str, Outcome]:
    """Refine every sentence of the pairs in every way."""
    instances = [one for pair in pairs for one in (pair.damaged, pair.clean)]
    detected = list(detect(instances, detector))
    known = [by_gold(row) for row in detected]
    plain, without_fix = Occlusion(detector), _without_fix(detector)
    feed = Occlusion(detector, CriticOptions(variant="with_correct"))
    refiner = SpanEdit()

    def recipe(name: str, critic: Occlusion) -> list[Refined]:
        return list(run_recipe(name, instances, Components(refiner, detector, critic)))

    draw = random.Random(seed)
    made: dict[str, list[Refined]] = {
        FEED: recipe("feed_refine", feed),
        RANDOM: refine_by(detected, lambda row: _random_critiques(row, draw)),
        SPAN_ONLY: recipe("dcr", without_fix),
        DCR: recipe("dcr", plain),
        ORACLE_DETECTOR: refine_by(known, lambda row: _asked(row, plain)),
        ORACLE_CRITIC: refine_by(detected, gold_critiques),
        ORACLE: refine_by(known, gold_critiques),
    }
    texts: dict[str, dict[str, str]] = {
        NOTHING: {one.id: one.response for one in instances},
        DROP: {row.id: row.response if row.response_ok else "" for row in detected},
    }
    texts |= {name: {row.id: row.refined for row in rows} for name, rows in made.items()}
    return {name: outcome(pairs, found, made.get(name, ())) for name, found in texts.items()}


def outcome(
    pairs: Sequence[Pair], texts: Mapping[str, str], rows: Sequence[Refined] = ()
) -> Outcome:
    """Hold refinements against what the sentences were."""
    return Outcome(
        [texts[pair.damaged.id] == pair.clean.response for pair in pairs],
        [texts[pair.clean.id] == pair.clean.response for pair in pairs],
        texts,
        sum(len(row.critiques) for row in rows),
        {row.id: row for row in rows},
    )


def refine_by(
    rows: Sequence[Detected], critiques: Callable[[Detected], Sequence[Critique]]
) -> list[Refined]:
    """Edit the flagged responses by critiques from anywhere; the others stay."""
    asked = [
        Critiqued.model_validate(
            dict(row) | {"critiques": () if row.response_ok else critiques(row), "recipe": "dcr"}
        )
        for row in rows
    ]
    return list(refined_rows(asked, SpanEdit(), Counted()))


def gold_critiques(row: Detected) -> list[Critique]:
    """What a critic that knows would say of the flagged sentences."""
    said = []
    for index, (sentence, label) in enumerate(zip(row.sentences, row.labels, strict=True)):
        start, end = row.offsets[index]
        found = [
            gold
            for gold in row.gold
            if gold.start is not None and gold.end is not None and start <= gold.start < end
        ]
        if not label:
            said += [
                Critique(
                    sentence_idx=index,
                    sentence=sentence,
                    raw=gold.explanation,
                    span=gold.span,
                    span_offset=(gold.start or 0, gold.end or 0),
                    fix=gold.fix,
                    verdict="error",
                )
                for gold in found
            ] or [
                Critique(sentence_idx=index, sentence=sentence, raw="No error.", verdict="no_error")
            ]
    return said


def by_gold(row: Detected) -> Detected:
    """A response labelled by its gold errors, as a detector without fault would."""
    labels = [
        int(not any(start <= (gold.start or 0) < end for gold in row.gold))
        for start, end in row.offsets
    ]
    told = {
        "labels": labels,
        "support_prob": [float(label) for label in labels],
        "response_ok": all(labels),
        "detector": "oracle",
    }
    return row.model_copy(update=told)


def _asked(row: Detected, critic: Occlusion) -> list[Critique]:
    return critic.critique(requests_of(row))


def _without_fix(detector: Detector) -> Occlusion:
    return Occlusion(detector, CriticOptions(parts="span,reason"))


def _random_critiques(row: Detected, draw: random.Random) -> list[Critique]:
    """A random number or name of each flagged sentence, with a random one of the document."""
    said = []
    for index, (sentence, label) in enumerate(zip(row.sentences, row.labels, strict=True)):
        found = spans(sentence)
        if label or not found:
            continue
        span, start = draw.choice(found), row.offsets[index][0]
        others = strings_of(row.document, span.kind)
        fix = draw.choice([text for text in others if text != span.text] or [""])
        said.append(
            Critique(
                sentence_idx=index,
                sentence=sentence,
                raw=f"At random: {span.text}",
                span=span.text,
                span_offset=(start + span.start, start + span.end),
                fix=fix,
                verdict="error",
            )
        )
    return said
