"""How often verdicts are right: accuracy, F1 of each label, and how far off on a scale."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from tenpapers.errors import UserError

from ..records import Claim, Verdict
from .labels import AVERITEC, LabelSet


def by_claim(verdicts: Iterable[Verdict], claims: Sequence[Claim]) -> dict[str, Verdict]:
    """Verdicts by the id of their claim.

    Raises
    ------
    UserError : two verdicts on one claim, a verdict on a claim that is not there, two claims of one
        id.
    """
    known = Counter(str(claim.claim_id) for claim in claims)
    if twice := [name for name, count in known.items() if count > 1]:
        raise UserError(f"claim {twice[0]}: stands twice among the references")
    found: dict[str, Verdict] = {}
    for verdict in verdicts:
        name = str(verdict.claim_id)
        if name in found:
            raise UserError(f"claim {name}: has two verdicts")
        if name not in known:
            raise UserError(f"claim {name}: has a verdict and is not among the references")
        found[name] = verdict
    return found


def veracity(
    verdicts: Iterable[Verdict], claims: Sequence[Claim], labels: LabelSet = AVERITEC
) -> dict[str, Any]:
    """Compare verdicts with the labels of their claims; a claim without a verdict is wrong.

    Returns
    -------
    `n` claims, `missing` verdicts, `accuracy` as the verdicts are, `accuracy_parsed` with unread
    ones counted wrong, `parse_failed` and its share `parse_failure_rate`, `f1` of each label and
    `macro_f1` over all labels of the data set (0 for one that occurs on neither side). Of a scale
    also `mean_absolute_error` in steps, over the claims with a verdict, and `binary_accuracy` of
    its lower against its upper half. NaN where nothing is counted.

    Raises
    ------
    UserError : see `by_claim`; a claim without a label, a label that the data set does not have.
    """
    found = by_claim(verdicts, claims)
    gold = gold_labels(claims, labels)
    said = {
        name: labels.resolve(verdict.pred_label, f"verdict on claim {name}")
        for name, verdict in found.items()
    }
    failed = sum(verdict.parse_failed for verdict in found.values())
    read = {name: label for name, label in said.items() if not found[name].parse_failed}
    pairs = [(label, said.get(name)) for name, label in gold.items()]
    f1 = f1_scores(pairs, labels.labels)
    values: dict[str, Any] = {
        "n": len(gold),
        "missing": len(gold) - len(said),
        "accuracy": accuracy(pairs),
        "accuracy_parsed": accuracy([(label, read.get(name)) for name, label in gold.items()]),
        "parse_failed": failed,
        "parse_failure_rate": failed / len(found) if found else math.nan,
        "f1": f1,
        "macro_f1": sum(f1.values()) / len(f1),
    }
    return values | (_on_scale(pairs, labels.labels) if labels.ordinal else {})


def gold_labels(claims: Sequence[Claim], labels: LabelSet) -> dict[str, str]:
    """Label of each claim.

    Raises
    ------
    UserError : a claim without one, or with one that the data set does not have.
    """
    gold = {}
    for claim in claims:
        if claim.label is None:
            raise UserError(f"claim {claim.claim_id}: has no label to compare with")
        gold[str(claim.claim_id)] = labels.resolve(claim.label, f"claim {claim.claim_id}")
    return gold


def accuracy(pairs: Sequence[tuple[str, str | None]]) -> float:
    """Share of (right, said) that are equal; NaN where there are none."""
    return sum(right == said for right, said in pairs) / len(pairs) if pairs else math.nan


def f1_scores(pairs: Sequence[tuple[str, str | None]], labels: Sequence[str]) -> dict[str, float]:
    """F1 of each label, 0 where it occurs on neither side."""
    scores = {}
    for label in labels:
        both = sum(right == said == label for right, said in pairs)
        either = sum((right == label) + (said == label) for right, said in pairs)
        scores[label] = 2 * both / either if either else 0.0
    return scores


def _on_scale(pairs: Sequence[tuple[str, str | None]], labels: Sequence[str]) -> dict[str, float]:
    step = {label: number for number, label in enumerate(labels)}
    apart = [abs(step[right] - step[said]) for right, said in pairs if said is not None]
    half = len(labels) // 2
    same = [
        said is not None and (step[right] < half) == (step[said] < half) for right, said in pairs
    ]
    return {
        "mean_absolute_error": sum(apart) / len(apart) if apart else math.nan,
        "binary_accuracy": sum(same) / len(same) if same else math.nan,
    }
