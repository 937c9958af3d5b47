"""How alike a model's responses are to those of a reference, and how far that is from the ceiling.

Pairs are the reference's sample 0 with every sample of the alternative. Of the reference itself its
sample 0 is left out: the others are its ceiling, as alike as its own answers are to each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from tenpapers.errors import UserError

from ..inputs.pair_scores import PairScore
from ..records import InstanceId, SampleSet
from .rouge import Subsequences, rouge_l_of
from .tokens import content, simple_tokens

if TYPE_CHECKING:
    from jaxtyping import Float64
    from numpy import ndarray

Metric = Literal["jaccard", "rougeL", "cos", "bertscore"]
METRICS: tuple[Metric, ...] = ("jaccard", "rougeL", "cos", "bertscore")

# A reference's text and others: one score each, NaN where two texts are no pair.
Scorer = Callable[[str, Sequence[str]], Sequence[float]]


@dataclass(frozen=True)
class PairScores:
    """Scores of the pairs of one reference and one alternative, by question.

    Parameters
    ----------
    by_question : scores of each question's pairs, [N]; a question may have none.
    """

    by_question: Sequence[Sequence[float]]

    @property
    def sums(self) -> Float64[ndarray, " questions"]:
        """Sum of the scores of each question."""
        return np.array([sum(scores) for scores in self.by_question], dtype=np.float64)

    @property
    def counts(self) -> Float64[ndarray, " questions"]:
        """Number of pairs of each question."""
        return np.array([len(scores) for scores in self.by_question], dtype=np.float64)

    @property
    def mean(self) -> float | None:
        """Mean over all pairs."""
        total = self.counts.sum()
        return float(self.sums.sum() / total) if total else None

    @property
    def best(self) -> float | None:
        """Mean over questions of the best of their pairs."""
        best = [max(scores) for scores in self.by_question if scores]
        return float(np.mean(best)) if best else None


@dataclass(frozen=True)
class Similarity:
    """An alternative compared with a reference.

    Parameters
    ----------
    pairs : number of pairs whose two responses exist.
    scores : by metric.
    """

    reference: str
    alternative: str
    is_self: bool
    pairs: int
    scores: dict[Metric, PairScores]

    def row(self) -> dict[str, Any]:
        """Number of pairs; mean and best of k by metric."""
        values: dict[str, Any] = {"pairs": self.pairs}
        for metric, scores in self.scores.items():
            values |= {metric: scores.mean, f"{metric}_max": scores.best}
        return values


def jaccard_scores(reference: str, texts: Sequence[str]) -> list[float]:
    """Jaccard similarity of content words; NaN where neither text has any."""
    own = set(content(simple_tokens(reference)))
    found = []
    for text in texts:
        words = set(content(simple_tokens(text)))
        either = len(own | words)
        found.append(len(own & words) / either if either else float("nan"))
    return found


def rouge_scores(reference: str, texts: Sequence[str]) -> list[float]:
    """F of ROUGE-L on words as `simple_tokens` cuts them; 0 for an empty text."""
    own = Subsequences(simple_tokens(reference))
    return [rouge_l_of(own, simple_tokens(text))[2] for text in texts]


def compare(
    reference: SampleSet, alternatives: Iterable[SampleSet], scorers: dict[Metric, Scorer]
) -> list[Similarity]:
    """Score alternatives against a reference, question by question.

    Raises
    ------
    UserError : they do not answer the same questions; the reference is an alternative and has no
        second sample.
    """
    others = [other.aligned_with(reference) for other in alternatives]
    selves = [is_same(reference, other) for other in others]
    found: list[dict[Metric, list[list[float]]]] = [{m: [] for m in scorers} for _ in others]
    pairs = [0] * len(others)
    for own, *rest in zip(reference.texts, *(other.texts for other in others), strict=True):
        texts = [_partners(own, given, same) for given, same in zip(rest, selves, strict=True)]
        flat = [text for some in texts for text in some]
        for metric, scorer in scorers.items():
            scores = iter(scorer(str(own[0]), flat) if flat else ())
            for number, some in enumerate(texts):
                mine = [float(next(scores)) for _ in some]
                found[number][metric].append([value for value in mine if not np.isnan(value)])
        for number, some in enumerate(texts):
            pairs[number] += len(some)
    return [
        Similarity(
            reference.model,
            other.model,
            same,
            count,
            {metric: PairScores(scores) for metric, scores in own.items()},
        )
        for other, same, count, own in zip(others, selves, pairs, found, strict=True)
    ]


def is_same(reference: SampleSet, other: SampleSet) -> bool:
    """Whether two are the same samples, whatever their files are called.

    Raises
    ------
    UserError : they are, and have one sample a question: there is no ceiling.
    """
    if reference is not other and (
        list(reference.ids) != list(other.ids)
        or any(
            list(own) != list(given)
            for own, given in zip(reference.texts, other.texts, strict=True)
        )
    ):
        return False
    if all(len(texts) < 2 for texts in reference.texts):
        raise UserError(
            f"--reference {reference.model}: is an alternative too and has one sample a question: "
            "no ceiling is possible",
            "sample it again, or leave it out of the alternatives",
        )
    return True


def _partners(own: Sequence[str | None], given: Sequence[str | None], is_self: bool) -> list[str]:
    if not own or own[0] is None:
        return []
    return [text for text in (given[1:] if is_self else given) if text is not None]


def published_similarity(
    scores: Sequence[PairScore], *, is_self: bool
) -> dict[str, float | int | None]:
    """Mean and best of k of published scores of pairs; of a model with itself without sample 0."""
    groups: dict[InstanceId, list[float]] = {}
    for pair in scores:
        if not (is_self and pair.alt_sample_index == pair.ref_sample_index):
            groups.setdefault(pair.instance_id, []).append(pair.f1)
    found = PairScores(list(groups.values()))
    return {"pairs": int(found.counts.sum()), "mean_f1": found.mean, "max_f1": found.best}
