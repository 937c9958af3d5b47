"""Which rows to take so that two sets have the same labels in the same shares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from tenpapers.errors import UserError

if TYPE_CHECKING:
    from jaxtyping import Int


def match_distribution(
    source_labels: Sequence[str],
    target: Mapping[str, float],
    n: int | None = None,
    seed: int = 42,
    *,
    tolerance: float = 0.02,
    allow_off: bool = False,
) -> Int[np.ndarray, " m"]:
    """Rows whose labels have the target's shares, as many as there are: the paper's final sample.

    m = floor(min over labels of min(count / p, n)); round(p m) rows of every label are drawn
    without replacement and shuffled.

    Parameters
    ----------
    source_labels : label of every row.
    target : share of each label; shares sum to 1.
    n : rows at most; None for as many as possible.
    tolerance : how far from n the result may be, as a share of n (one row always may).
    allow_off : take what there is, however far from n.

    Returns
    -------
    int64 [m], row numbers.

    Raises
    ------
    UserError : a label of the target without a row; too few rows for n.
    """
    rows: dict[str, list[int]] = {}
    for row, label in enumerate(source_labels):
        rows.setdefault(label, []).append(row)
    wanted = {label: share for label, share in target.items() if share > 0}
    for label in wanted:
        if label not in rows:
            raise UserError(f"no row of label {label!r}", f"there are {', '.join(sorted(rows))}")
    # Fractions, so that 3 / 0.3 is 10 and not 9.999...
    shares = {
        label: Fraction(str(share)).limit_denominator(10**9) for label, share in wanted.items()
    }
    most = min(Fraction(len(rows[label])) / share for label, share in shares.items())
    m = int(most) if n is None else min(int(most), n)
    if n is not None and not allow_off and n - m > max(int(tolerance * n), 1):
        scarce = min(shares, key=lambda label: len(rows[label]) / shares[label])
        raise UserError(
            f"{n} rows of the target's mix are not there: {m} are",
            f"label {scarce!r} has {len(rows[scarce])} rows",
        )
    rng = np.random.default_rng(seed)
    chosen = [
        rng.choice(rows[label], size=min(len(rows[label]), _rounded(share * m)), replace=False)
        for label, share in shares.items()
    ]
    return rng.permutation(np.concatenate(chosen)).astype(np.int64)


def _rounded(value: Fraction) -> int:
    """Nearest whole number, halves up."""
    return int(value + Fraction(1, 2))


def shares(labels: Sequence[str]) -> dict[str, float]:
    """Share of each label."""
    return {label: count / len(labels) for label, count in sorted(Counter(labels).items())}


def repeated_to_mix(
    labels: Sequence[str], reference: Sequence[str], seed: int
) -> Int[np.ndarray, " n"]:
    """Rows of the reference, as many of each label as there are in `labels`, int64 [N].

    Each label's rows are permuted, and repeated where they do not suffice.

    Raises
    ------
    UserError : a label without a row in the reference.
    """
    rng = np.random.default_rng(seed)
    label_of_row = np.asarray(reference)
    parts = []
    for label, count in sorted(Counter(labels).items()):
        rows = np.flatnonzero(label_of_row == label)
        if not len(rows):
            raise UserError(f"the reference has no row of label {label!r}")
        parts.append(np.resize(rng.permutation(rows), count))
    return np.concatenate(parts)


def common_sizes(label_lists: Sequence[Sequence[str]], n: int | None = None) -> dict[str, int]:
    """How many rows of each label several sets can all give, so that they have one size and mix.

    Of every label as many as the set has that has fewest.

    Parameters
    ----------
    n : rows at most, each label in proportion; what does not divide goes to the largest remainders.

    Raises
    ------
    UserError : no label that all sets have.
    """
    counts = [Counter(labels) for labels in label_lists]
    least = {label: min(count[label] for count in counts) for label in sorted(counts[0])}
    whole = sum(least.values())
    if not whole:
        raise UserError("the sets have no label in common")
    if n is None or n >= whole:
        return least
    sizes = {label: n * size // whole for label, size in least.items()}
    by_remainder = sorted(least, key=lambda label: (-(n * least[label] % whole), label))
    for label in by_remainder[: n - sum(sizes.values())]:
        sizes[label] += 1
    return sizes
