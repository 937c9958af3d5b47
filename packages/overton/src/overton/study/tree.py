"""Every number of the study, from the recorded outputs: the tree of `results.json`."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..embedding.vectors import TextVectors
from ..inputs.judgements import load_judgements
from ..inputs.layout import CONFLICTING, DATASETS, LIMA, PublishedFolder, pair_of
from ..inputs.pair_scores import load_pair_scores
from ..inputs.samples import load_samples
from ..records import JudgeKind, Judgement, SampleSet
from ..scoring.coverage import covered
from ..scoring.formats import formats
from ..scoring.lexical import LENGTHS, jaccard_of_beginnings, lexical_diversity
from ..scoring.similarity import Metric, Scorer, Similarity, compare, published_similarity
from ..scoring.similarity_report import scorers_of
from ..scoring.stance import stance_profile
from ..scoring.verdicts import (
    missing_information,
    quality_scores,
    stance_labels,
    topics_of,
    unread,
)

Tree = dict[str, Any]
Runs = dict[str, dict[str, SampleSet]]

# Whose answers the others are compared with.
REFERENCES = ("llama-2-chat", "gpt-3.5-turbo", "mistral-instruct")
METRICS: tuple[Metric, ...] = ("jaccard", "rougeL", "cos")
# An aligned model and the base model, or its control, that it is laid over.
COVERED = {
    LIMA: (
        ("llama-2-chat", "llama-2-base"),
        ("llama-2-chat", "llama-2-icl"),
        ("llama-2-chat", "llama-2-chat"),
        ("mistral-instruct", "mistral"),
        ("mistral-instruct", "mistral-icl"),
        ("zephyr", "mistral-base"),
    ),
    CONFLICTING: (
        ("gpt-3.5-turbo", "llama-2-base"),
        ("gpt-3.5-turbo", "llama-2-icl"),
        ("mistral-instruct", "mistral"),
    ),
}
ABOUT = (
    "Measured on the recorded outputs as they lie in --data: simple tokens, closing fence stripped."
)


def load_runs(folder: PublishedFolder) -> Runs:
    """All sampled runs by data set and model."""
    return {
        dataset: {name: load_samples(file) for name, file in folder.outputs(dataset).items()}
        for dataset in DATASETS
    }


def lexical_tree(runs: Runs) -> Tree:
    """Diversity, length and form of every run, and Jaccard of the beginnings."""
    return {
        "lexical": {
            dataset: {name: lexical_diversity(samples) for name, samples in models.items()}
            for dataset, models in runs.items()
        },
        "style": {
            f"{dataset}:{name}": formats(samples)
            for dataset, models in runs.items()
            for name, samples in models.items()
        },
        **{
            beginnings(dataset): {
                name: {str(length): jaccard_of_beginnings(samples, length) for length in LENGTHS}
                for name, samples in models.items()
            }
            for dataset, models in runs.items()
        },
    }


def beginnings(dataset: str) -> str:
    """Where the tree holds the Jaccard similarity of the beginnings of a data set's responses."""
    return f"jaccard_first_L_tokens_{dataset}"


def coverage_tree(runs: Runs) -> Tree:
    """How much of the base samples one aligned answer holds, for the pairs of `COVERED`."""
    return {
        f"{dataset}:{aligned}>{base}": covered(models[aligned], models[base]).row()
        for dataset, models in runs.items()
        for aligned, base in COVERED[dataset]
        if aligned in models and base in models
    }


def compared(runs: Runs, vectors: TextVectors | None, questions: int = 0) -> list[Similarity]:
    """Every run on LIMA-OE against every reference.

    Parameters
    ----------
    vectors : for the cosine; None leaves it out.
    questions : number of those whose responses are embedded, evenly spread; 0 is all.
    """
    models = runs[LIMA]
    plain = scorers_of(METRICS[:2], list(models.values()))
    found = _against_references(models, plain)
    if vectors is None or not models:
        return found
    first = next(iter(models.values()))
    few = first.spread(questions)
    some = {name: one.aligned_with(first).take(few) for name, one in models.items()}
    encoded = scorers_of(METRICS[2:], list(some.values()), vectors=vectors)
    return [
        replace(one, scores=one.scores | cosines.scores)
        for one, cosines in zip(found, _against_references(some, encoded), strict=True)
    ]


def _against_references(
    models: dict[str, SampleSet], scorers: dict[Metric, Scorer]
) -> list[Similarity]:
    return [
        found
        for name in REFERENCES
        if name in models
        for found in compare(models[name], models.values(), scorers)
    ]


def similarity_tree(found: Sequence[Similarity]) -> Tree:
    """Means and best of k, as the published numbers are named."""
    return {
        f"{one.reference}<-{one.alternative}": {
            name.replace("cos", "minilm_cos"): value for name, value in one.row().items()
        }
        for one in found
    }


def verdict_tree(folder: PublishedFolder) -> Tree:
    """What the judge said: stances, quality, missing information, topics; what is unread."""
    left_out: dict[str, dict[str, int]] = {}

    def read(file: Path, kind: JudgeKind, name: str) -> list[Judgement]:
        found = load_judgements(file, kind)
        if wrong := unread(found):
            left_out[f"{kind}:{name}"] = wrong
        return found

    stances = {
        name: stance_profile(stance_labels(read(file, "stance", name))).row()
        for name, file in folder.verdicts(CONFLICTING, "eval-stance").items()
    }
    quality = {
        f"{dataset}:{name}": quality_scores(read(file, "quality", f"{dataset}:{name}"))
        for dataset in DATASETS
        for name, file in folder.verdicts(dataset, "eval-quality").items()
    }
    missing: Tree = {}
    for name, file in folder.verdicts(LIMA, "eval-missing").items():
        found = missing_information(read(file, "missing", name))
        missing.setdefault(_alternative(name), {}).update(found)
    for name, file in folder.verdicts(LIMA, "extract-topics").items():
        missing.setdefault(_alternative(name), {}).update(topics_of(read(file, "topics", name)))
    return {
        "stance": stances,
        "quality": quality,
        "missing_topics": missing,
        "unread_verdicts": left_out,
    }


def _alternative(name: str) -> str:
    pair = pair_of(name)
    return pair[1] if pair else name


def bertscore_tree(folder: PublishedFolder) -> Tree:
    """Published BERTScores, aggregated."""
    return {
        f"{dataset}:{reference}--{alternative}": published_similarity(
            load_pair_scores(file), is_self=reference == alternative
        )
        for dataset in DATASETS
        for (reference, alternative), file in folder.bertscores(dataset).items()
    }
