"""Self-BLEU, exact, in time linear in the number of n-grams.

The textbook way compares every document with all others, which is quadratic. But the largest count
of an n-gram in *the other* documents differs from the largest count anywhere for one document
only: the one that holds the largest count alone. So for every n-gram it is enough to know the
largest count, who has it, and the second largest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tenpapers.errors import UserError

if TYPE_CHECKING:
    from jaxtyping import Float, Int

# What smoothing method 1 (Chen and Cherry 2014) puts in the place of no match.
EPSILON = 0.1


@dataclass(frozen=True)
class SelfBleu:
    """Self-BLEU of a set of documents; lower is more diverse.

    Parameters
    ----------
    mean : by order n, over all documents, between 0 and 1.
    per_doc : float64, shape (documents, orders).
    """

    mean: dict[int, float]
    per_doc: Float[np.ndarray, "documents orders"]


def self_bleu(token_lists: Sequence[Sequence[str]], max_n: int = 5) -> SelfBleu:
    """BLEU of every document against all others, for the orders 1 to `max_n` in one pass.

    Equal to NLTK's `sentence_bleu` with uniform weights and smoothing method 1, which is how the
    paper measures diversity. An empty document scores 0, stays in the mean and is a reference of
    length 0.

    Parameters
    ----------
    token_lists : tokens of each document.

    Raises
    ------
    UserError : fewer than two documents.
    """
    if len(token_lists) < 2:
        raise UserError("Self-BLEU: need at least 2 documents")
    lengths = np.array([len(tokens) for tokens in token_lists], dtype=np.int64)
    matches, totals = _matches(token_lists, lengths, max_n)
    penalties = _brevity_penalties(lengths)
    logs = _log_precisions(matches, totals)
    per_doc = np.zeros((len(lengths), max_n))
    for document in np.flatnonzero(matches[0] > 0).tolist():
        terms = logs[:, document].tolist()
        for n in range(1, max_n + 1):
            weight = 1 / n
            mean = math.fsum([weight * term for term in terms[:n]])
            per_doc[document, n - 1] = penalties[document] * math.exp(mean)
    means = {n: math.fsum(per_doc[:, n - 1]) / len(lengths) for n in range(1, max_n + 1)}
    return SelfBleu(means, per_doc)


def _matches(
    token_lists: Sequence[Sequence[str]], lengths: Int[np.ndarray, " documents"], max_n: int
) -> tuple[Int[np.ndarray, "orders documents"], Int[np.ndarray, "orders documents"]]:
    """Clipped matches and n-grams of every order and document, int64 [max_n, N] each."""
    n_docs = len(lengths)
    tokens, n_words = _interned(token_lists)
    owners = np.repeat(np.arange(n_docs), lengths)
    matches = np.zeros((max_n, n_docs), dtype=np.int64)
    totals = np.maximum(lengths - np.arange(max_n)[:, None], 0)
    # `grams` are the numbers of the n-grams that begin at `starts`. A number is made of that of the
    # first n - 1 tokens and the last token, so no two n-grams share one.
    grams, starts = tokens, np.arange(len(tokens))
    for order in range(1, max_n + 1):
        if order > 1:
            # Starts whose document has a token left for the next order.
            inside = starts + order - 1 < len(tokens)
            inside[inside] = owners[starts[inside] + order - 1] == owners[starts[inside]]
            grams, starts = grams[inside], starts[inside]
            grams = _renumbered(grams * n_words + tokens[starts + order - 1])
        if not len(starts):
            break
        lost = _lost(grams, owners[starts], n_docs)
        matches[order - 1] = totals[order - 1] - lost
    return matches, totals


def _interned(token_lists: Sequence[Sequence[str]]) -> tuple[Int[np.ndarray, " tokens"], int]:
    """All tokens in one row, as numbers; and how many words there are."""
    numbers: dict[str, int] = {}
    flat = [numbers.setdefault(token, len(numbers)) for tokens in token_lists for token in tokens]
    return np.array(flat, dtype=np.int64), max(1, len(numbers))


def _renumbered(values: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Equal values get one number, from 0 on."""
    return np.unique(values, return_inverse=True)[1]


def _lost(
    grams: Int[np.ndarray, " grams"], owners: Int[np.ndarray, " grams"], n_docs: int
) -> Int[np.ndarray, " documents"]:
    """Matches that each document loses because it alone holds an n-gram's largest count."""
    pairs, counts = np.unique(grams * n_docs + owners, return_counts=True)
    gram, owner = pairs // n_docs, pairs % n_docs
    starts = np.flatnonzero(np.r_[True, gram[1:] != gram[:-1]])
    sizes = np.diff(np.r_[starts, len(gram)])
    top = np.maximum.reduceat(counts, starts)
    at_top = counts == np.repeat(top, sizes)
    alone = np.add.reduceat(at_top.astype(np.int64), starts) == 1
    second = np.maximum.reduceat(np.where(at_top, 0, counts), starts)
    holders = owner[at_top & np.repeat(alone, sizes)]
    return np.bincount(holders, weights=(top - second)[alone], minlength=n_docs).astype(np.int64)


def _brevity_penalties(lengths: Int[np.ndarray, " documents"]) -> list[float]:
    """exp(1 - r / h) for documents shorter than r, the closest length among the others."""
    by_length = np.sort(lengths)
    penalties = []
    for own in lengths.tolist():
        low, high = np.searchsorted(by_length, [own, own + 1])
        if own == 0:
            penalties.append(0.0)
            continue
        if high - low > 1:  # another document of this length
            penalties.append(1.0)
            continue
        neighbours = (index for index in (low - 1, high) if 0 <= index < len(by_length))
        around = [int(by_length[index]) for index in neighbours]
        closest = min(around, key=lambda other: (abs(other - own), other))
        penalties.append(1.0 if own > closest else math.exp(1 - closest / own))
    return penalties


def _log_precisions(
    matches: Int[np.ndarray, "orders documents"], totals: Int[np.ndarray, "orders documents"]
) -> Float[np.ndarray, "orders documents"]:
    """ln p of every order and document, float64 [max_n, N]; `math.log`, as in NLTK."""
    known: dict[tuple[int, int], float] = {}
    out = np.empty(matches.shape)
    for order, (row, whole) in enumerate(zip(matches.tolist(), totals.tolist(), strict=True)):
        for document, pair in enumerate(zip(row, whole, strict=True)):
            if pair not in known:
                hits, of = pair[0], max(1, pair[1])
                known[pair] = math.log(hits / of if hits else EPSILON / of)
            out[order, document] = known[pair]
    return out
