"""How much of a base model's diversity is worth having: what is left where only help counts."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from tenpapers.errors import UserError

from ..records import InstanceId, Judgement, SampleSet
from .lexical import mean
from .overlap import jaccard_matrix, mean_pair
from .tokens import content, simple_tokens
from .verdicts import LEVELS

# A response is helpful from this score on, and novel to the reference from this one.
HELPFUL, NOVEL = 4, 4
# An id as text: judges' batches know no numbers.
_Key = tuple[str, int]


def quality_control(
    samples: SampleSet, quality: Sequence[Judgement], missing: Sequence[Judgement] = ()
) -> dict[str, Any]:
    """Diversity and novelty as the demand for helpfulness grows.

    Parameters
    ----------
    quality : verdicts of the quality judge on these samples.
    missing : verdicts on how much of these samples a reference lacks.

    Returns
    -------
    `judged` samples; `jaccard_from`, by t the mean Jaccard similarity among the samples of a
    question with helpfulness t or more, and `samples_from`, how many these are; `missing_by`, the
    mean missing score by helpfulness; `helpful`, `novel`, and `helpful_and_novel`, numbers of
    samples that have both verdicts. What is a mean of nothing is None.

    Raises
    ------
    UserError : not one verdict is on one of these samples.
    """
    helpfulness = {
        _key(one): one.value["helpfulness"]
        for one in quality
        if one.value is not None and one.value.get("helpfulness") is not None
    }
    known = zip(samples.ids, samples.endings, strict=True)
    if helpfulness and not any(
        (str(name), number) in helpfulness for name, some in known for number in range(len(some))
    ):
        raise UserError(
            f"{samples.model}: none of {len(quality)} quality verdicts is on one of its samples",
            "verdicts name a sample by `instance_id` and `sample_index`",
        )
    news = {_key(one): one.value for one in missing if one.value is not None}
    both = {key: (helpfulness[key], news[key]) for key in helpfulness if key in news}
    return {
        "judged": len(helpfulness),
        "jaccard_from": {str(t): _jaccard_from(samples, helpfulness, t) for t in LEVELS},
        "samples_from": {str(t): sum(score >= t for score in helpfulness.values()) for t in LEVELS},
        "missing_by": {
            str(t): mean([lacks for helps, lacks in both.values() if helps == t]) for t in LEVELS
        },
        "pairs": len(both),
        "helpful": sum(helps >= HELPFUL for helps, _ in both.values()),
        "novel": sum(lacks >= NOVEL for _, lacks in both.values()),
        "helpful_and_novel": sum(
            helps >= HELPFUL and lacks >= NOVEL for helps, lacks in both.values()
        ),
    }


def _key(judgement: Judgement) -> _Key:
    return str(judgement.instance_id), judgement.sample_index


def _jaccard_from(
    samples: SampleSet, helpfulness: dict[_Key, float], threshold: int
) -> float | None:
    kept: dict[InstanceId, list[set[str]]] = defaultdict(list)
    for name, texts in zip(samples.ids, samples.texts, strict=True):
        for number, text in enumerate(texts):
            if text is not None and helpfulness.get((str(name), number), 0) >= threshold:
                kept[name].append(set(content(simple_tokens(text))))
    return mean([mean_pair(jaccard_matrix(sets)) for sets in kept.values() if len(sets) > 1])
