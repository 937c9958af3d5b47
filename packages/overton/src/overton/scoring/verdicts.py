"""What the judges' verdicts amount to: stances, quality, missing information, topics."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from ..records import ASPECTS, InstanceId, JudgeKind, Judgement, Stance
from .lexical import mean

LEVELS = (1, 2, 3, 4, 5)


def stance_labels(judgements: Sequence[Judgement]) -> list[list[Stance | None]]:
    """Stances by question, in the order of the file; None where there is no verdict."""
    labels: dict[InstanceId, list[Stance | None]] = defaultdict(list)
    for one in judgements:
        labels[one.instance_id].append(one.value)
    return list(labels.values())


def of_kind(judgements: Sequence[Judgement], kind: JudgeKind) -> list[Judgement]:
    """Verdicts of one judge."""
    return [one for one in judgements if one.kind == kind]


def quality_scores(judgements: Sequence[Judgement]) -> dict[str, Any]:
    """Mean score of each aspect (1 to 5), their mean, and the number of `N/A`.

    Returns
    -------
    `n` verdicts, `na` scores that the judge withheld, a mean for each aspect over those it gave,
    and `mean` of the five.
    """
    read = [one for one in judgements if one.value is not None]
    means = {
        aspect: mean([one.value[aspect] for one in read if one.value[aspect] is not None])
        for aspect in ASPECTS
    }
    withheld = sum(one.value[aspect] is None for one in read for aspect in ASPECTS)
    known = [value for value in means.values() if value is not None]
    return {"n": len(read), "na": withheld, **means, "mean": mean(known)}


def missing_information(judgements: Sequence[Judgement]) -> dict[str, Any]:
    """How much of the alternative is absent from the reference: mean, histogram of 1 to 5.

    `redundant_share` is the share of scores 1 and 2.
    """
    scores = [one.value for one in judgements if one.value is not None]
    counts = Counter(scores)
    hist = [counts[level] for level in LEVELS]
    return {
        "n": len(scores),
        "mean": mean(scores),
        "hist": hist,
        "redundant_share": sum(hist[:2]) / len(scores) if scores else None,
    }


def topics_of(judgements: Sequence[Judgement]) -> dict[str, Any]:
    """Topics that only A (the reference), only B or both speak of, and how helpful they are.

    `B_covered_micro` is the share of B's topics that A has too.
    """
    read = [one for one in judgements if one.value is not None]
    topics = [topic for one in read for topic in one.value]
    counts = Counter(topic["response"] for topic in topics)
    of_b = counts["both"] + counts["B"]
    return {
        "topic_parse_failures": len(judgements) - len(read),
        "topics": {source: counts[source] for source in ("A", "B", "both")},
        "bad_helpfulness": sum(topic["helpfulness"] is None for topic in topics),
        "help": {
            source: mean(
                [
                    topic["helpfulness"]
                    for topic in topics
                    if topic["response"] == source and topic["helpfulness"] is not None
                ]
            )
            for source in ("A", "B", "both")
        },
        "B_covered_micro": counts["both"] / of_b if of_b else None,
    }


def unread(judgements: Sequence[Judgement]) -> dict[str, int]:
    """Verdicts that are not `ok`, by status."""
    return dict(Counter(one.status for one in judgements if one.status != "ok"))
