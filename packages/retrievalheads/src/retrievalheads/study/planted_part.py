"""Part A of the study: heads of a pre-trained model on planted pass-phrases, and the model without.

Needs no training: a sentence about a made-up person is planted among real passages. Half of the
prompts find the heads, the other half tells what the model is without them.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tenpapers import data
from tenpapers.journal import Journal
from tenpapers.models import CausalLM
from tenpapers.records import read_json, write_jsonl

from ..heads.detect import detect
from ..heads.head_sets import THRESHOLD
from ..heads.score_files import HeadScores
from ..heads.write_scores import announce
from ..inputs.fact_writers import invented_passage
from ..inputs.planted_phrase import planted_examples
from ..inputs.published_files import Passage, QuestionItem, read_source
from ..interventions.knockout_sweep import Setting, settings_for, sweep, sweep_rows
from ..interventions.settings import Kind, Scope
from ..interventions.write_results import write_once
from ..records import Example
from ..training.tuned_model import load_base
from .settings import Study

QUESTIONS = "nq_open_oracle.jsonl.gz"
OWN_PASSAGES = 400  # where no real ones are at hand


@dataclass(frozen=True)
class PlantedPart:
    """What part A gave: knockout curves, a paragraph of the report, the files that were read."""

    knockout: dict[str, Any] = field(default_factory=dict)
    paragraph: str = ""
    read: tuple[Path, ...] = ()


def planted_source() -> Path:
    """The published questions whose passages are planted in, where they are at hand."""
    return (data.folder("retrievalheads") or Path()) / QUESTIONS


KNOCKED, SCORES = "knockout.json", "planted/scores.json"


def planted_part(study: Study, journal: Journal) -> PlantedPart:
    """Run part A, or take it from the study's folder where it was run already."""
    if not study.planted:
        return PlantedPart()
    source = planted_source()
    passages, described = passages_of(source)
    if not journal.done(KNOCKED):
        lm = load_base(study.model)
        count = min(study.planted, study.limit or study.planted)
        examples = planted_examples(lm.tokenizer, passages, count, study.seed)
        write_once(journal, KNOCKED, _knock(study, lm, examples, journal))
    scores = HeadScores.load(journal.root / SCORES)
    ranked = read_json(journal.root / SCORES)["ranked"]
    best = ", ".join(f"{layer}-{head} {score:.2f}" for layer, head, score in ranked[:5])
    paragraph = (
        "Part A: a pass-phrase planted among passages, in a pre-trained model. "
        f"Model {study.model}, prompts of 300 to 600 tokens, {described}; on {len(scores.ids)} of "
        f"them, which serve for nothing else, "
        f"{int((scores.mean >= THRESHOLD).sum())} of {scores.mean.numel()} heads score at least "
        f"{THRESHOLD}, {int((scores.mean > 0).sum())} over 0; the best are {best}."
    )
    return PlantedPart(read_json(journal.root / KNOCKED), paragraph, (source,))


def passages_of(source: Path) -> tuple[list[Passage], str]:
    """Real passages where they are at hand, else ours; and what they are."""
    if source.is_file():
        items = read_source("mdqa", source)
        golden = [item.gold for item in items if isinstance(item, QuestionItem) and item.gold]
        return golden, "passages of NaturalQuestions"
    draw = random.Random("passages")
    texts = [invented_passage(draw, number)[1] for number in range(OWN_PASSAGES)]
    return [Passage("", text) for text in texts], "our own passages (no real data was at hand)"


def _knock(
    study: Study, lm: CausalLM, examples: Sequence[Example], journal: Journal
) -> dict[str, Any]:
    """Scores, the curve over k (decode scope), and the headline k in the paper's two forms.

    Whole prompts are run once a setting in scope "all", so there one random set must do. With no
    head off the forms do not differ: k = 0 is run once.
    """
    write_jsonl(journal.file("planted/examples.jsonl"), examples)
    half = (len(examples) + 1) // 2
    found_on, held_out = examples[:half], examples[half:]
    scores = detect(lm.model, lm.tokenizer, found_on, progress=True)
    scores.model, scores.identity = study.model, lm.weights
    announce(journal, SCORES)
    scores.save(journal.root / SCORES)
    seeds = range(study.control_seeds)
    ks = [0, study.headline_k, *study.ks]
    curve = settings_for(scores.mean, ks, seeds, threshold=THRESHOLD)
    headline = settings_for(scores.mean, [study.headline_k], seeds[:1], threshold=THRESHOLD)
    more = range(study.control_seeds, study.headline_controls)
    curve += settings_for(scores.mean, [study.headline_k], more, threshold=THRESHOLD)[1:]

    def run(settings: Sequence[Setting], kind: Kind, scope: Scope) -> dict[str, Any]:
        found = sweep(
            lm.model,
            lm.tokenizer,
            held_out,
            settings,
            kind=kind,
            scope=scope,
            answers=False,
            progress=True,
        )
        return {"kind": kind, "scope": scope, "n": len(held_out), "rows": sweep_rows(found)}

    found = run(curve, "zero", "decode")
    others = [run(headline, "zero", "all"), run(headline, "uniform", "decode")]
    none_off = [row for row in found["rows"] if row["k"] == 0]
    return found | {"more": [other | {"rows": none_off + other["rows"]} for other in others]}
