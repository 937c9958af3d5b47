"""MAUVE: how close the distribution of texts is to that of human texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from tenpapers.errors import UserError

from .label_mix import repeated_to_mix

if TYPE_CHECKING:
    from jaxtyping import Float, Int

# The paper's: the library's default is 5, which gives other values.
SCALING = 1.0
BUCKETS = 30


def mauve(
    ref_feats: Float[np.ndarray, "n dim"],
    gen_feats: Float[np.ndarray, "m dim"],
    num_buckets: int = BUCKETS,
    scaling: float = SCALING,
    *,
    seed: int = 42,
) -> float:
    """MAUVE of two sets of features (Pillutla et al. 2021).

    Parameters
    ----------
    ref_feats, gen_feats : float32 [N, d] and [M, d], human texts and the others.
    num_buckets : clusters of the quantisation.
    scaling : with 1, two sets without anything in common have 0.5; with 5, almost 0.

    Returns
    -------
    Between 0 and 1, higher is closer.

    Raises
    ------
    UserError : fewer rows than buckets, a feature that is not a number, different dimensions.
    """
    from mauve import compute_mauve

    for name, features in (("reference", ref_feats), ("generated", gen_feats)):
        if len(features) < num_buckets:
            raise UserError(
                f"MAUVE: need at least num_buckets rows: {len(features)} {name}, {num_buckets}"
            )
        bad = np.flatnonzero(~np.isfinite(features).all(axis=1))
        if len(bad):
            raise UserError(f"MAUVE: {name} row {bad[0] + 1}: features are not numbers")
    if ref_feats.shape[1] != gen_feats.shape[1]:
        raise UserError(f"MAUVE: {ref_feats.shape[1]} and {gen_feats.shape[1]} dimensions")
    found = compute_mauve(
        p_features=np.asarray(ref_feats, dtype=np.float32),
        q_features=np.asarray(gen_feats, dtype=np.float32),
        num_buckets=num_buckets,
        mauve_scaling_factor=scaling,
        seed=seed,
        verbose=False,
    )
    return float(found.mauve)


def matched_reference(
    labels: Sequence[str | None], reference: Sequence[str | None], *, seed: int
) -> Int[np.ndarray, " n"]:
    """Rows of the reference with the label mix and size of the synthetic set, int64 [N].

    Each label's rows are permuted and repeated until there are enough. Where the sets do not share
    their labels, all rows count as of one.
    """
    if not same_labels(labels, reference):
        labels, reference = [""] * len(labels), [""] * len(reference)
    return repeated_to_mix(list(map(str, labels)), list(map(str, reference)), seed)


def same_labels(labels: Sequence[str | None], reference: Sequence[str | None]) -> bool:
    """Whether every row has a label and the reference has all of them."""
    return None not in labels and set(labels) <= set(reference) - {None}
