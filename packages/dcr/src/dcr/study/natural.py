"""Errors that models made by themselves: FaithBench's sentences, TofuEval's types of errors."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tenpapers.sentences import sentence_split

from ..controlled.base_sentences import split_of
from ..detect.detector import Detector
from ..detect.lexical import LexicalDetector
from ..detect.lexical_training import Labelled, train_lexical
from ..inputs.tofueval import read_sentences, sentences_by_type
from ..records import Instance
from .measures import auc, auc_interval
from .settings import Study

Fields = dict[str, Any]


class Sentence(NamedTuple):
    """A sentence of a response, and whether an error was marked in it."""

    document: str
    text: str
    wrong: bool


def sentences_of(instances: Sequence[Instance]) -> list[Sentence]:
    """Sentences of responses; one is wrong where the span of a gold error overlaps it."""
    return [
        Sentence(
            one.document,
            span.text,
            any(
                max(span.start, gold.start) < min(span.end, gold.end)
                for gold in one.gold
                if gold.is_error and gold.start is not None and gold.end is not None
            ),
        )
        for one in instances
        for span in sentence_split(one.response)
    ]


def natural_part(instances: Sequence[Instance], study: Study) -> dict[str, Fields]:
    """The small detector on natural errors of unseen documents: as shipped, and trained on others.

    Returns
    -------
    By detector its numbers on sentences, JSON values.
    """
    every = sentences_of(instances)
    train = [one for one in every if split_of(one.document) == "train"]
    test = [one for one in every if split_of(one.document) == "test"]
    own = train_lexical([Labelled(one.document, one.text, int(not one.wrong)) for one in train])
    detectors = {
        "natural, trained on injected ones": Detector(LexicalDetector.load(), "lexical"),
        "natural, trained on natural ones": Detector(own, "lexical, natural"),
    }
    return {name: _measured(detector, test, study) for name, detector in detectors.items()}


def _measured(detector: Detector, sentences: Sequence[Sentence], study: Study) -> Fields:
    probs = detector.score([(one.document, one.text) for one in sentences]).probs.tolist()
    right = [not one.wrong for one in sentences]
    units = [one.document for one in sentences]
    low, high = auc_interval(probs, right, units, draws=study.draws, seed=study.seed)
    flagged = [p <= detector.threshold for p in probs]
    wrong_share = _share([f for f, r in zip(flagged, right, strict=True) if not r])
    right_share = _share([f for f, r in zip(flagged, right, strict=True) if r])
    balanced = None
    if wrong_share is not None and right_share is not None:
        balanced = (wrong_share + 1 - right_share) / 2
    return {
        "sentences": len(sentences),
        "wrong": sum(one.wrong for one in sentences),
        "documents": len(set(units)),
        "auc": auc(
            [p for p, r in zip(probs, right, strict=True) if r],
            [p for p, r in zip(probs, right, strict=True) if not r],
        ),
        "low": low,
        "high": high,
        "balanced_accuracy": balanced,
        "flagged_wrong": wrong_share,
        "flagged_right": right_share,
    }


def _share(values: Sequence[bool]) -> float | None:
    return float(np.mean(values)) if values else None


def error_types(file: Path) -> Fields:
    """Counts of a TofuEval file: documents, summaries, inconsistent sentences, types of errors."""
    sentences = read_sentences(file)
    return {
        "documents": len({one.document for one in sentences}),
        "summaries": len({one.summary for one in sentences}),
        "sentences": len(sentences),
        "inconsistent": sum(not one.consistent for one in sentences),
        "types": sentences_by_type(sentences),
    }
