"""Exact match, F1, citations, ROUGE-1 recall; means with intervals."""

from __future__ import annotations

import logging
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from ..inputs.normalised_text import normalise

if TYPE_CHECKING:
    from rouge_score.rouge_scorer import RougeScorer

_BRACKET = re.compile(r"\[([0-9, ]+)\]")


def first_line(prediction: str) -> str:
    """What is graded: a model that goes on copying its context must not win by it."""
    return prediction.strip().split("\n", 1)[0].strip()


def exact_match(prediction: str, answers: Sequence[str]) -> float:
    """1 if the first line equals an accepted answer after normalising."""
    found = normalise(first_line(prediction))
    return float(any(found == normalise(answer) for answer in answers))


def f1(prediction: str, answers: Sequence[str]) -> float:
    """Largest F1 of word multisets over the accepted answers; both empty is 1, one empty 0."""
    return max((_f1(normalise(first_line(prediction)), normalise(a)) for a in answers), default=0.0)


def _f1(prediction: str, answer: str) -> float:
    mine, gold = prediction.split(), answer.split()
    if not mine or not gold:
        return float(mine == gold)
    shared = sum((Counter(mine) & Counter(gold)).values())
    return 2 * shared / (len(mine) + len(gold))


def subspan_em(prediction: str, answers: Sequence[str]) -> float:
    """1 if an accepted answer is a part of the prediction: the metric of Lost in the Middle."""
    found = normalise(first_line(prediction))
    normal = [normalise(answer) for answer in answers]
    return float(any(answer and answer in found for answer in normal))


@dataclass(frozen=True)
class Citation:
    """Precision, recall and F1 of cited document numbers, each in [0, 1]."""

    precision: float
    recall: float
    f1: float
    parsed: bool  # whether there was any number in brackets


def cited_ids(text: str) -> set[int]:
    """All integers inside square brackets; numbers outside are not citations."""
    return {int(n) for inside in _BRACKET.findall(text) for n in re.findall(r"\d+", inside)}


def citation(prediction: str, gold: set[int], n_documents: int) -> Citation:
    """Compare cited numbers with the gold ones; a number that no document has counts as wrong.

    Raises
    ------
    ValueError : no gold number, or one outside 1..n_documents.
    """
    if not gold or not all(1 <= number <= n_documents for number in gold):
        raise ValueError(f"gold citations {sorted(gold)} of {n_documents} documents")
    found = cited_ids(prediction)
    if not found:
        return Citation(0.0, 0.0, 0.0, False)
    right = len(found & gold)
    return Citation(
        right / len(found), right / len(gold), 2 * right / (len(found) + len(gold)), True
    )


def rouge1_recall(prediction: str, reference: str) -> float:
    """Share of the reference's stemmed words that the prediction has (with multiplicity)."""
    return float(_rouge().score(reference, prediction)["rouge1"].recall)


@cache
def _rouge() -> RougeScorer:
    from rouge_score.rouge_scorer import RougeScorer

    logging.getLogger("absl").setLevel(logging.WARNING)  # it announces its tokenizer
    return RougeScorer(["rouge1"], use_stemmer=True)


def bootstrap_mean(
    values: Sequence[float], *, resamples: int = 1000, seed: int = 0
) -> tuple[float, float, float]:
    """Mean with a 95 % percentile interval over examples: (mean, low, high)."""
    import numpy as np
    from scipy.stats import bootstrap

    if not values:
        return math.nan, math.nan, math.nan
    mean = float(np.mean(values))
    if len(values) == 1:  # scipy wants two; one example resampled is itself
        return mean, mean, mean
    interval = bootstrap(
        (np.asarray(values, dtype=float),),
        np.mean,
        n_resamples=resamples,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return mean, float(interval.low), float(interval.high)
