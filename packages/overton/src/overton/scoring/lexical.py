"""Lexical diversity of a model's samples, and their length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..records import SampleSet
from .overlap import jaccard_matrix, mean_pair, pairs_of
from .tokens import Tokenizer, content, tokenize

if TYPE_CHECKING:
    from jaxtyping import Float64
    from numpy import ndarray

LENGTHS = (25, 50, 100)
# Characters of a beginning that is counted as one of its kind.
PREFIX = 20


def lexical_diversity(samples: SampleSet, tokenizer: Tokenizer = "simple") -> dict[str, Any]:
    """Diversity and length of a model's responses.

    Per question, over its usable samples (questions with fewer than two are skipped), then the mean
    over questions: `jaccard` similarity of content words (the higher, the less diverse),
    `jaccard_all_words` with stop words, `union_types` of content words, `distinct1` and `distinct2`
    (distinct / all n-grams, pooled over the samples). Over all responses: `words` and
    `content_types`, means per response.

    With the words of the paper's own code (`nltk`) also what only that code has: `jaccard_max`, the
    mean over questions of the most alike pair; `length_difference`, the mean over pairs of the
    difference of their numbers of words; `distinct_prefixes`, the share of distinct beginnings of
    20 characters among a question's samples.

    Returns
    -------
    These, with `questions` (that were measured), `errors` (failed samples) and `empty` responses.
    What is a mean of nothing is None.
    """
    # The paper's own code builds n-grams of content words, and one of a text that is too short.
    official = tokenizer == "nltk"
    rows: list[tuple[float, ...]] = []
    words: list[int] = []
    types: list[int] = []
    empty = 0
    for texts in samples.usable():
        tokens = [tokenize(text, tokenizer) for text in texts]
        kept = [content(some, tokenizer) for some in tokens]
        sets = [set(some) for some in kept]
        words += [len(some) for some in tokens]
        types += [len(some) for some in sets]
        empty += sum(not text for text in texts)
        if len(texts) < 2:
            continue
        similarities = jaccard_matrix(sets)
        row: tuple[float, ...] = (
            mean_pair(similarities),
            mean_pair(jaccard_matrix([set(some) for some in tokens])),
            len(set().union(*sets)),
            distinct(kept if official else tokens, 1),
            distinct(kept if official else tokens, 2, short=official),
        )
        rows.append(row + _of_the_papers_code(texts, tokens, similarities) if official else row)
    names = ["jaccard", "jaccard_all_words", "union_types", "distinct1", "distinct2"]
    names += ["jaccard_max", "length_difference", "distinct_prefixes"] if official else []
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    return {
        "questions": len(rows),
        "errors": samples.failed,
        "empty": empty,
        "words": mean(words),
        "content_types": mean(types),
        **{name: mean(column) for name, column in zip(names, columns, strict=True)},
    }


def _of_the_papers_code(
    texts: Sequence[str],
    tokens: Sequence[Sequence[str]],
    similarities: Float64[ndarray, "texts texts"],
) -> tuple[float, float, float]:
    """Jaccard of the most alike pair, mean difference of lengths, share of distinct beginnings."""
    rows, columns = pairs_of(len(texts))
    known = similarities[rows, columns]
    known = known[~np.isnan(known)]
    lengths = np.array([len(some) for some in tokens])
    return (
        float(known.max()) if known.size else float("nan"),
        float(np.abs(lengths[rows] - lengths[columns]).mean()),
        len({text[:PREFIX] for text in texts}) / len(texts),
    )


def distinct(texts: Sequence[Sequence[str]], n: int, *, short: bool = False) -> float:
    """Share of distinct n-grams among all of some texts; 0 if there are none.

    Parameters
    ----------
    short : whether a text of fewer than n tokens gives one short gram.
    """
    grams = [
        tuple(tokens[start : start + n])
        for tokens in texts
        for start in range(max(len(tokens) - n + 1, int(short and bool(tokens))))
    ]
    return len(set(grams)) / len(grams) if grams else 0.0


def jaccard_of_beginnings(samples: SampleSet, length: int) -> float | None:
    """Jaccard similarity as in `lexical_diversity`, of the first `length` words of each response.

    Longer texts share more words whatever they say; this holds the length still.
    """
    found = [
        mean_pair(jaccard_matrix([set(content(tokenize(text)[:length])) for text in texts]))
        for texts in samples.usable(at_least=2)
    ]
    return mean(found)


def mean(values: Sequence[float]) -> float | None:
    """Mean of what is known; None of nothing."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else None
