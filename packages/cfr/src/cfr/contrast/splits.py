"""Parts of a data set that share no claim."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from tenpapers.errors import UserError

from ..inputs.claims import claim_key

T = TypeVar("T")


def split_by_claim(
    rows: Sequence[T],
    share: float,
    *,
    claim_of: Callable[[T], str],
    seed: int = 0,
) -> tuple[list[T], list[T]]:
    """Rows in two parts; the second has about a share of the claims, and no claim is in both.

    AVeriTeC repeats claims, so its rows must not be split one by one.

    Parameters
    ----------
    share : of the distinct normalised claims that goes into the second part, 0 to 1; at least one
        claim of two or more goes there, unless the share is 0.

    Raises
    ------
    UserError : the share is not from 0 to below 1.
    """
    if not 0 <= share < 1:
        raise UserError(f"share {share} of the claims: from 0 to below 1 is wanted")
    claims = list(dict.fromkeys(claim_key(claim_of(row)) for row in rows))
    size = 0
    if share and len(claims) > 1:
        size = min(len(claims) - 1, max(1, round(share * len(claims))))
    order = np.random.default_rng(seed).permutation(len(claims))
    held = {claims[index] for index in order[:size]}
    first: list[T] = []
    second: list[T] = []
    for row in rows:
        (second if claim_key(claim_of(row)) in held else first).append(row)
    return first, second
