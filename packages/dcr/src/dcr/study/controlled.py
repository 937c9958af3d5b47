"""The controlled experiment on one set of injected errors: train, refine, compare."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..controlled.base_sentences import BaseSentence
from ..controlled.perturb import clean, perturb
from ..detect.detector import Detector
from ..detect.lexical import LexicalDetector
from ..detect.lexical_training import Labelled, train_lexical
from ..scoring.critique_quality import cases_of, critique_quality
from ..scoring.edits import edit_ops
from ..scoring.effort import rouge_l
from .arms import DCR, Outcome, Pair, run_arms
from .measures import Cell, auc_interval, balances, measured, over_seeds, paired_detection
from .settings import Study

Fields = dict[str, Any]
NAME = "lexical, trained here"


def controlled_part(base: Sequence[BaseSentence], study: Study, seed: int) -> Fields:
    """Inject errors, train the small detector on some documents, refine sentences of the others.

    Returns
    -------
    JSON values of one seed, see `summary_of_seeds`.
    """
    train, test = (
        pairs_of([one for one in base if one.split == split], seed) for split in ("train", "test")
    )
    detector = Detector(trained_on(train), NAME)
    outcomes = run_arms(test, detector, seed)
    return {
        "seed": seed,
        "train_pairs": len(train),
        "pairs": len(test),
        "units": [pair.unit for pair in test],
        "detector": _detection(detector, test, study),
        "quality": _quality(outcomes[DCR]),
        "arms": {name: _arm(detector, test, found) for name, found in outcomes.items()},
    }


def pairs_of(base: Sequence[BaseSentence], seed: int) -> list[Pair]:
    """Base sentences in which an error can be put, without it and with it."""
    own = {one.id: one for one in base}
    damaged = perturb(base, seed)
    right = clean(own[one.id] for one in damaged)
    return [Pair(_name_of(b.document), a, b) for a, b in zip(right, damaged, strict=True)]


def _name_of(document: str) -> str:
    """What tells documents apart in the files of a study, which hold none of their text."""
    return hashlib.sha256(document.encode(errors="replace")).hexdigest()[:16]


def trained_on(pairs: Sequence[Pair]) -> LexicalDetector:
    """The small detector, trained to tell right sentences from damaged ones."""
    return train_lexical(
        [
            Labelled(one.document, one.response, label)
            for pair in pairs
            for one, label in ((pair.clean, 1), (pair.damaged, 0))
        ]
    )


def _scores(detector: Detector, texts: Sequence[tuple[str, str]]) -> list[float]:
    """P(supported) of each (document, text); 0 of an empty text, which supports nothing."""
    asked = [pair for pair in dict.fromkeys(texts) if pair[1].strip()]
    found = dict(zip(asked, detector.score(asked).probs.tolist(), strict=True)) if asked else {}
    return [found.get(pair, 0.0) for pair in texts]


def _detection(detector: Detector, pairs: Sequence[Pair], study: Study) -> Fields:
    """How well the detector tells the test sentences apart."""
    clean = _scores(detector, [(pair.clean.document, pair.clean.response) for pair in pairs])
    damaged = _scores(detector, [(pair.damaged.document, pair.damaged.response) for pair in pairs])
    units = [pair.unit for pair in pairs] * 2
    right = [True] * len(pairs) + [False] * len(pairs)
    low, high = auc_interval([*clean, *damaged], right, units, draws=study.draws, seed=study.seed)
    told = paired_detection(clean, damaged, detector.threshold)
    return {"pairs": len(pairs), **told, "low": low, "high": high}


def _quality(found: Outcome) -> Fields:
    cases = [case for row in found.rows.values() for case in cases_of(row, row.gold)]
    return critique_quality(cases).row()


def _arm(detector: Detector, pairs: Sequence[Pair], found: Outcome) -> Fields:
    """An arm's own numbers; of each pair whether it was mended and left alone."""
    sides = {"damaged": [p.damaged for p in pairs], "clean": [p.clean for p in pairs]}
    made: Fields = {"restored": list(found.restored), "intact": list(found.intact)}
    edits, alike, changed = [], [], []
    for side, instances in sides.items():
        before = _scores(detector, [(one.document, one.response) for one in instances])
        after = _scores(detector, [(one.document, found.texts[one.id]) for one in instances])
        made[f"delta_{side}"] = float(np.mean(np.subtract(after, before)))
        for one in instances:
            text = found.texts[one.id]
            edits.append(edit_ops(one.response, text).edits)
            alike.append(rouge_l(one.response, text))
            changed.append(text != one.response)
    return made | {
        "edits": float(np.mean(edits)),
        "rouge": float(np.mean(alike)),
        "changed": float(np.mean(changed)),
        "critiques": found.critiques,
    }


def summary_of_seeds(seeds: Sequence[Mapping[str, Any]], study: Study) -> Fields:
    """Arms over all seeds, and what sets DCR apart from each other arm on the same sentences.

    Returns
    -------
    `arms`: by name restored, intact and balance with each seed's interval, and means of the rest;
    `differences`: by `DCR - name` the difference in balance on each seed.
    """
    arms = {name: _over_seeds(name, seeds, study) for name in seeds[0]["arms"]}
    differences = {
        f"{DCR} - {name}": [_difference(seed, name, study) for seed in seeds]
        for name in arms
        if name != DCR
    }
    return {"arms": arms, "differences": differences}


def _over_seeds(name: str, seeds: Sequence[Mapping[str, Any]], study: Study) -> Fields:
    found = [seed["arms"][name] for seed in seeds]
    values = {
        "restored": [arm["restored"] for arm in found],
        "intact": [arm["intact"] for arm in found],
        "balance": [balances(arm["restored"], arm["intact"]) for arm in found],
    }
    cells: Fields = {
        key: over_seeds(
            [
                measured(own, seed["units"], draws=study.draws, seed=study.seed)
                for own, seed in zip(each, seeds, strict=True)
            ]
        )
        for key, each in values.items()
    }
    for key in ("delta_damaged", "delta_clean", "edits", "rouge", "changed", "critiques"):
        cells[key] = float(np.mean([arm[key] for arm in found]))
    return cells


def _difference(seed: Mapping[str, Any], name: str, study: Study) -> Cell:
    ours, theirs = (
        balances(seed["arms"][arm]["restored"], seed["arms"][arm]["intact"]) for arm in (DCR, name)
    )
    gains = np.subtract(ours, theirs).tolist()
    return measured(gains, seed["units"], draws=study.draws, seed=study.seed)
