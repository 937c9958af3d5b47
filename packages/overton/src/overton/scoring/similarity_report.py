"""Similarity to a reference as one table: means, ceilings, gaps closed, intervals."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tenpapers.errors import UserError

from ..embedding.bertscore import TokenEncoder, bertscore_pairs
from ..embedding.vectors import TextVectors
from ..records import SampleSet
from .gap import DRAWS, difference_to, gap_closed
from .similarity import (
    METRICS,
    Metric,
    Scorer,
    Similarity,
    compare,
    jaccard_scores,
    rouge_scores,
)

if TYPE_CHECKING:
    import pandas


def scorers_of(
    metrics: Sequence[Metric],
    samples: Sequence[SampleSet],
    *,
    encoder: str = "minilm",
    cache: bool = True,
    vectors: TextVectors | None = None,
) -> dict[Metric, Scorer]:
    """What scores pairs by each metric; the texts of `samples` are encoded here where one asks.

    Raises
    ------
    UserError : an unknown metric; an encoder that cannot be loaded.
    """
    unknown = [metric for metric in metrics if metric not in METRICS]
    if unknown or not metrics:
        raise UserError(
            f"--metric {','.join(unknown)}: unknown", f"one or more of {', '.join(METRICS)}"
        )
    scorers: dict[Metric, Scorer] = {}
    for metric in metrics:
        if metric == "jaccard":
            scorers[metric] = jaccard_scores
        elif metric == "rougeL":
            scorers[metric] = rouge_scores
        elif metric == "cos":
            known = vectors or TextVectors(encoder, cache=cache)
            scorers[metric] = _cosines(known, samples)
        else:
            scorers[metric] = _bertscores(encoder)
    return scorers


def _cosines(vectors: TextVectors, samples: Sequence[SampleSet]) -> Scorer:
    texts = list(dict.fromkeys(text for one in samples for text in one.responses))
    encoded = vectors.of(texts)
    places = {text: place for place, text in enumerate(texts)}

    def score(reference: str, others: Sequence[str]) -> list[float]:
        own = encoded[places[reference]]
        return [float(value) for value in encoded[[places[text] for text in others]] @ own]

    return score


def _bertscores(encoder: str) -> Scorer:
    loaded = TokenEncoder.load(encoder)

    def score(reference: str, others: Sequence[str]) -> list[float]:
        found = bertscore_pairs(list(others), [reference] * len(others), loaded)
        return [float(f) for f in found[:, 2]]

    return score


def ceiling_of(
    reference: SampleSet, found: Sequence[Similarity], scorers: dict[Metric, Scorer]
) -> Similarity | None:
    """The reference compared with itself; None if it has one sample a question."""
    known = next((one for one in found if one.is_self), None)
    if known is not None or all(len(texts) < 2 for texts in reference.texts):
        return known
    return compare(reference, [reference], scorers)[0]


def similarity_report(
    ref: SampleSet,
    alts: Sequence[SampleSet],
    metrics: Sequence[Metric],
    n_boot: int = DRAWS,
    *,
    base: SampleSet | None = None,
    encoder: str = "minilm",
    seed: int = 0,
) -> "pandas.DataFrame":
    """One row an alternative and metric: mean, best of k, ceiling, gap closed, interval.

    Parameters
    ----------
    base : a base model's samples, from which the gap is measured.
    n_boot : draws of questions for the interval of `minus_ceiling`, 95 %.

    Raises
    ------
    UserError : see `compare` and `scorers_of`.
    """
    known = [ref, *alts, *([base] if base else [])]
    scorers = scorers_of(metrics, known, encoder=encoder)
    found = compare(ref, alts, scorers)
    start = compare(ref, [base], scorers)[0] if base else None
    ceiling = ceiling_of(ref, found, scorers)
    return report_frame(found, ceiling, start, n_boot=n_boot, seed=seed)


def report_frame(
    found: Sequence[Similarity],
    ceiling: Similarity | None,
    base: Similarity | None,
    *,
    n_boot: int = DRAWS,
    seed: int = 0,
) -> "pandas.DataFrame":
    """The table of `similarity_report`."""
    import pandas

    rows = []
    for one in found:
        for metric, scores in one.scores.items():
            top = ceiling.scores[metric] if ceiling else None
            start = base.scores[metric].mean if base else None
            gap = difference_to(top, scores, n_boot=n_boot, seed=seed) if top else None
            rows.append(
                {
                    "reference": one.reference,
                    "alternative": one.alternative,
                    "is_ceiling": one.is_self,
                    "metric": metric,
                    "pairs": one.pairs,
                    "mean": scores.mean,
                    "best_of_k": scores.best,
                    "ceiling": top.mean if top else None,
                    "gap_closed": gap_closed(scores.mean, start, top.mean) if top else None,
                    "minus_ceiling": gap.value if gap else None,
                    "low": gap.low if gap else None,
                    "high": gap.high if gap else None,
                }
            )
    return pandas.DataFrame(rows)
