"""The AVeriTeC shared task's scores: verdicts that count only where their evidence is found."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from tenpapers.errors import UserError

from ..records import Claim, Evidence, Verdict
from .labels import AVERITEC
from .meteor import Meteor, open_meteor
from .veracity import accuracy, by_claim, f1_scores, gold_labels

# An evidence score has to exceed this for a right label to count; the third is the headline.
THRESHOLDS = (0.1, 0.2, 0.25, 0.3, 0.4, 0.5)
# Only so many pieces of evidence are looked at.
EVIDENCE = 10
NO_ANSWER = "No answer could be found."


def averitec(
    verdicts: Iterable[Verdict], claims: Sequence[Claim], meteor: Meteor | None = None
) -> dict[str, Any]:
    """Score verdicts and their evidence against annotated claims (AVeriTeC, evaluation script).

    Questions, or questions with their answers, of the first ten pieces of evidence are assigned
    one to one to the annotated ones so that their METEOR sums up to the most; the sum is divided by
    the number of annotated ones. A claim without a verdict is wrong and has no evidence.

    Parameters
    ----------
    meteor : None for one with the WordNet of this machine.

    Returns
    -------
    `n`, `accuracy`, `f1` of each label, `macro_f1`, `meteor` (which one), `tokenizer`,
    `hu_meteor_q` and `hu_meteor_qa` (means over claims), and `averitec`: for each threshold the
    share of claims whose label is right and whose `hu_meteor_qa` exceeds it.

    Raises
    ------
    UserError : see `veracity.by_claim` and `veracity.gold_labels`; a claim without questions.
    """
    meteor = meteor or open_meteor()
    found, gold = by_claim(verdicts, claims), gold_labels(claims, AVERITEC)
    said = {
        name: AVERITEC.resolve(verdict.pred_label, f"verdict on claim {name}")
        for name, verdict in found.items()
    }
    pairs = [(label, said.get(name)) for name, label in gold.items()]
    by_question, by_answer = [], []
    for claim in claims:
        if not claim.questions:
            raise UserError(
                f"claim {claim.claim_id}: has no questions to compare the evidence with",
                "`cfr evaluate veracity` compares labels alone",
            )
        verdict = found.get(str(claim.claim_id))
        evidence = verdict.evidence[:EVIDENCE] if verdict else ()
        by_question.append(
            assigned(
                meteor,
                [one.question for one in evidence],
                [one.question for one in claim.questions],
            )
        )
        by_answer.append(assigned(meteor, predicted_strings(evidence), reference_strings(claim)))
    f1 = f1_scores(pairs, AVERITEC.labels)
    right = [label == answer for label, answer in pairs]
    return {
        "n": len(claims),
        "accuracy": accuracy(pairs),
        "f1": f1,
        "macro_f1": sum(f1.values()) / len(f1),
        "meteor": meteor.name,
        "tokenizer": meteor.tokenizer,
        "hu_meteor_q": _mean(by_question),
        "hu_meteor_qa": _mean(by_answer),
        "averitec": {
            str(least): _mean(
                [float(ok and score > least) for ok, score in zip(right, by_answer, strict=True)]
            )
            for least in THRESHOLDS
        },
    }


def reference_strings(claim: Claim) -> list[str]:
    """Each question of a claim with each of its answers, Boolean ones with their explanation."""
    strings = []
    for question in claim.questions:
        for answer in question.answers:
            text = f"{question.question} {answer.answer}"
            if answer.answer_type == "Boolean" and answer.boolean_explanation:
                text += f". {answer.boolean_explanation}"
            strings.append(text)
        if not question.answers:
            strings.append(f"{question.question} {NO_ANSWER}")
    return strings


def predicted_strings(evidence: Sequence[Evidence]) -> list[str]:
    """Each question of a verdict's evidence with its answer."""
    return [f"{one.question} {one.answer}" for one in evidence]


def assigned(meteor: Meteor, predicted: Sequence[str], references: Sequence[str]) -> float:
    """The best one-to-one assignment's sum of METEOR, divided by the number of references."""
    from scipy.optimize import linear_sum_assignment

    if not predicted or not references:
        return 0.0
    scores = meteor.matrix(predicted, references)
    rows, columns = linear_sum_assignment(scores, maximize=True)
    return float(scores[rows, columns].sum() / len(references))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else math.nan
