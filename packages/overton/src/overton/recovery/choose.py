"""Which other queries of a file are shown as examples of a query."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy import ndarray
from tenpapers.errors import UserError

from ..embedding.embedded_files import read_embeddings, text_hash
from ..embedding.neighbours import knn
from ..records import InstanceId

if TYPE_CHECKING:
    from jaxtyping import Float


def draw_others(
    ids: Sequence[InstanceId], k: int, *, seed: int, answered: Sequence[int]
) -> list[list[int]]:
    """For every query `k` others at random, each set equally likely.

    The draw of a query depends on the seed and its id alone, not on the order of the file.

    Parameters
    ----------
    answered : places of the queries that have an answer to show.

    Returns
    -------
    Places, in the order in which they were drawn.

    Raises
    ------
    UserError : fewer than `k` others have an answer.
    """
    chosen = []
    for place, name in enumerate(ids):
        others = [other for other in answered if other != place]
        _require(k, len(others))
        digest = hashlib.sha256(f"{seed} {name}".encode(errors="backslashreplace")).digest()
        rng = np.random.default_rng(int.from_bytes(digest[:16], "big"))
        chosen.append([others[i] for i in rng.permutation(len(others))[:k]])
    return chosen


def nearest_others(
    embeddings: Float[ndarray, "queries dim"], k: int, *, answered: Sequence[int]
) -> list[list[int]]:
    """For every query the `k` nearest others, most similar first.

    Parameters
    ----------
    answered : places of the queries that have an answer to show.

    Raises
    ------
    UserError : fewer than `k` others have an answer; see `knn`.
    """
    count, shown = len(embeddings), set(answered)
    _require(k, len(shown - {count - 1}) if len(shown) == count else len(shown) - 1)
    # Nobody has more unanswered neighbours than there are.
    nearest = knn(embeddings, min(count - 1, k + count - len(shown)))
    return [[other for other in row.tolist() if other in shown][:k] for row in nearest]


def vectors_of(
    path: Path, ids: Sequence[InstanceId], texts: Sequence[str | None] = ()
) -> Float[ndarray, "queries dim"]:
    """Vectors of the queries of a file, from one of `embed` or any other with `embeddings`.

    Parameters
    ----------
    ids : of the queries; where the file has no ids, they are its rows' numbers.
    texts : what the vectors are to be of, held against what the file says; None is anything.

    Raises
    ------
    UserError : a query without a vector, or with one of another text; see `read_embeddings`.
    """
    known, vectors, hashes = read_embeddings(path)
    rows = {str(name): row for row, name in enumerate(known)}
    missing = [name for name in ids if str(name) not in rows]
    if missing:
        raise UserError(f"{path}: no vector of instance {missing[0]!r}", "embed this file's texts")
    places = [rows[str(name)] for name in ids]
    for name, place, text in zip(ids, places, texts, strict=False):
        if hashes and text is not None and hashes[place] != text_hash(text):
            raise UserError(
                f"{path}: its vector of instance {name!r} is of another text", "embed it again"
            )
    return np.asarray(vectors[places])


def _require(k: int, others: int) -> None:
    if not 1 <= k <= others:
        raise UserError(f"-k {k}: there are {others} other queries with an answer", "lower -k")
