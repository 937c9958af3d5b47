"""Similarity to a reference as one table: means, ceilings, gaps closed, intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

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
    metrics: Sequence[str],
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
    scorers: dict[Metric, Scorer] = {}
    for metric in known_metrics(metrics):
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


def known_metrics(names: Sequence[str]) -> list[Metric]:
    """Metrics by their names.

    Raises
    ------
    UserError : an unknown metric, or none.
    """
    unknown = [name for name in names if name not in METRICS]
    if unknown or not names:
        raise UserError(
            f"--metric {','.join(unknown)}: unknown", f"one or more of {', '.join(METRICS)}"
        )
    return [metric for name in names for metric in METRICS if metric == name]


def _cosines(vectors: TextVectors, samples: Sequence[SampleSet]) -> Scorer:
    texts = list(dict.fromkeys(text for one in samples for text in one.responses()))
    encoded = vectors.of(texts, progress="vectors")
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


@dataclass(frozen=True)
class Comparison:
    """Alternatives compared with one reference, with what they are measured by.

    Parameters
    ----------
    ceiling : the reference compared with itself; None if it has one sample a question.
    base : a base model compared with the reference.
    notes : what a reader of the numbers should know.
    """

    alternatives: Sequence[Similarity]
    ceiling: Similarity | None
    base: Similarity | None
    notes: Sequence[str] = ()

    @classmethod
    def of(
        cls,
        ref: SampleSet,
        alts: Sequence[SampleSet],
        metrics: Sequence[str],
        *,
        base: SampleSet | None = None,
        encoder: str = "minilm",
        cache: bool = True,
    ) -> Self:
        """Compare samples.

        Raises
        ------
        UserError : see `compare` and `scorers_of`.
        """
        everyone = [ref, *alts, *([base] if base else [])]
        aligned = [one.aligned_with(ref) for one in everyone]
        scorers = scorers_of(metrics, aligned, encoder=encoder, cache=cache)
        found = compare(ref, alts, scorers)
        start = compare(ref, [base], scorers)[0] if base else None
        ceiling = next((one for one in found if one.is_self), None)
        if ceiling is None and any(len(texts) > 1 for texts in ref.texts):
            ceiling = compare(ref, [ref], scorers)[0]
        notes = [_empty_note(aligned)]
        if "bertscore" in scorers:
            notes.append(_truncation_note(aligned, encoder))
        return cls(found, ceiling, start, [note for note in notes if note])


def _empty_note(samples: Sequence[SampleSet]) -> str:
    empty = {one.model: sum(not text for text in one.responses()) for one in samples}
    told = ", ".join(f"{model} {count}" for model, count in empty.items() if count)
    return f"Empty responses, which score 0: {told}." if told else ""


def _truncation_note(samples: Sequence[SampleSet], encoder: str) -> str:
    texts = list(dict.fromkeys(text for one in samples for text in one.responses()))
    loaded = TokenEncoder.load(encoder)
    cut = sum(loaded.is_cut(texts))
    share = cut / len(texts) if texts else 0.0
    return (
        f"BERTScore reads {loaded.max_tokens} word pieces; {cut} of {len(texts)} responses "
        f"({share:.0%}) are longer and were cut."
    )


def values_of(found: Comparison) -> dict[str, Any]:
    """Numbers by alternative; with a base model also the gap that each metric closes."""
    values = {one.alternative: one.row() for one in found.alternatives}
    if found.base is not None and found.ceiling is not None:
        for one in found.alternatives:
            for metric, scores in one.scores.items():
                start, top = found.base.scores[metric].mean, found.ceiling.scores[metric].mean
                closed = gap_closed(scores.mean, start, top)
                values[one.alternative][f"{metric}_gap_closed"] = closed
    return values


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
    found = Comparison.of(ref, alts, metrics, base=base, encoder=encoder)
    return report_frame(found, n_boot=n_boot, seed=seed)


def report_frame(found: Comparison, *, n_boot: int = DRAWS, seed: int = 0) -> "pandas.DataFrame":
    """The table of `similarity_report`."""
    import pandas

    rows = []
    for one in found.alternatives:
        for metric, scores in one.scores.items():
            top = found.ceiling.scores[metric] if found.ceiling else None
            start = found.base.scores[metric].mean if found.base else None
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
