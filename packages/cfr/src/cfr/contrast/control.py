"""The control of a contrastive signal: the same positives, each with another claim's query."""

from collections.abc import Sequence

import numpy as np
from tenpapers.errors import UserError

from ..inputs.claims import claim_key
from ..records import Training


def permuted(rows: Sequence[Training], *, seed: int = 0) -> list[Training]:
    """Give every query the positives of a query of another claim; all are given once.

    What a model learns from these rows is how positives look, not which answers what. Whatever
    shows up after training on them is no effect of the signal.

    Returns
    -------
    Rows in their order. A negative that has become a positive of its query is left out.

    Raises
    ------
    UserError : one claim has more than half of the rows.
    """
    claims: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        claims.setdefault(claim_key(row.claim or row.question), []).append(place)
    widest = max(map(len, claims.values()), default=0)
    if 2 * widest > len(rows):
        raise UserError(
            f"{len(rows)} rows cannot be permuted across claims: one claim has {widest} of them"
        )
    names = list(claims)
    shuffled = [names[place] for place in np.random.default_rng(seed).permutation(len(names))]
    # Rows of a claim stand together, so whoever stands as far away as the widest is of another.
    order = [place for name in shuffled for place in claims[name]]
    giver = {place: order[(number + widest) % len(order)] for number, place in enumerate(order)}
    return [_with_positives(row, rows[giver[place]]) for place, row in enumerate(rows)]


def _with_positives(row: Training, giver: Training) -> Training:
    given = {passage.pid for passage in giver.positives}
    return row.model_copy(
        update={
            "positives": giver.positives,
            "negatives": [passage for passage in row.negatives if passage.pid not in given],
            "signals": giver.signals,
        }
    )
