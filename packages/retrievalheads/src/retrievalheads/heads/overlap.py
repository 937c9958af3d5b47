"""Two checkpoints' heads side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

from tenpapers.errors import UserError

from ..scoring.rank_correlation import spearman
from .head_sets import THRESHOLD, Rule, head_set
from .score_files import HeadScores

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
    from torch import Tensor

    from .settings import CompareSettings, SetRule


class Overlap(NamedTuple):
    """How two head sets and score vectors agree; NaN where undefined."""

    recall: float
    precision: float
    jaccard: float
    cosine: float
    n_ref: int
    n_other: int
    n_both: int


def compare(
    ref: Float[Tensor, "layers heads"],
    other: Float[Tensor, "layers heads"],
    **set_rule: Unpack[Rule],
) -> Overlap:
    """Overlap of the heads of `other` with those of the reference.

    Parameters
    ----------
    ref, other : mean score of every head.
    set_rule : of `head_set`: threshold, top_k or nonzero.

    Raises
    ------
    ValueError : different shapes. Heads are matched by (layer, head), which means something only
        if both models come from one base.
    """
    if ref.shape != other.shape:
        raise ValueError(f"heads of shape {tuple(ref.shape)} and {tuple(other.shape)}")
    mine, theirs = head_set(ref, **set_rule), head_set(other, **set_rule)
    both = int((mine & theirs).sum())
    n_ref, n_other = int(mine.sum()), int(theirs.sum())
    either = n_ref + n_other - both
    return Overlap(
        recall=both / n_ref if n_ref else math.nan,
        precision=both / n_other if n_other else math.nan,
        jaccard=both / either if either else math.nan,
        cosine=cosine(ref, other),
        n_ref=n_ref,
        n_other=n_other,
        n_both=both,
    )


def cosine(x: Float[Tensor, "*heads"], y: Float[Tensor, "*heads"]) -> float:
    """Cosine of two flattened score vectors; NaN if one of them is zero."""
    a, b = x.double().flatten(), y.double().flatten()
    known = ~(a.isnan() | b.isnan())
    a, b = a[known], b[known]
    length = float(a.norm() * b.norm())
    return float(a @ b) / length if length else math.nan


def shared_score(
    ref: Float[Tensor, "layers heads"],
    other: Float[Tensor, "layers heads"],
    *,
    threshold: float = THRESHOLD,
) -> float:
    """Recall that counts scores, not heads: of the reference's heads, the score that `other` has.

    Sum of min(other, ref) over sum of ref, over the heads at or over the threshold in `ref`; it
    moves where plain recall, which jumps at the threshold, does not. NaN if there is no such head.
    """
    import torch

    mine = head_set(ref, threshold=threshold)
    total = float(ref[mine].sum())
    return float(torch.minimum(ref, other)[mine].sum()) / total if total else math.nan


def require_same_base(ref: HeadScores, other: HeadScores, *, allow: bool = False) -> None:
    """Refuse to match heads by number where numbers mean nothing.

    Raises
    ------
    ValueError : different L or H; different base models unless `allow`.
    """
    shapes = (ref.n_layers, ref.n_heads), (other.n_layers, other.n_heads)
    if shapes[0] != shapes[1]:
        raise ValueError(f"{shapes[0]} and {shapes[1]} layers and heads")
    if ref.model != other.model and not allow:
        raise ValueError(
            f"scores of {ref.model} and {other.model}: heads are matched by number, which needs "
            "one base model (--allow-different-base to do it anyway)"
        )


def compare_files(
    ref: HeadScores,
    other: HeadScores,
    *,
    allow_different_base: bool = False,
    **set_rule: Unpack[Rule],
) -> dict[str, Any]:
    """What the `compare` command prints: the overlap, Spearman of all scores, heads per layer.

    Raises
    ------
    ValueError : see `require_same_base`.
    """
    require_same_base(ref, other, allow=allow_different_base)
    mine, theirs = ref.mean, other.mean
    found = compare(mine, theirs, **set_rule)
    rho, p, _ = spearman(mine.flatten().tolist(), theirs.flatten().tolist())
    return {
        **found._asdict(),
        "rules": {name: compare(mine, theirs, **rule)._asdict() for name, rule in _rules(mine)},
        "n_ref_only": found.n_ref - found.n_both,
        "n_other_only": found.n_other - found.n_both,
        "n_ref_over_0": int((mine > 0).sum()),
        "n_other_over_0": int((theirs > 0).sum()),
        "spearman": rho,
        "spearman_p": p,
        "per_layer_ref": per_layer(head_set(mine, **set_rule)),
        "per_layer_other": per_layer(head_set(theirs, **set_rule)),
    }


def compare_paths(
    ref: Path, other: Path, settings: CompareSettings
) -> tuple[dict[str, Any], str | None]:
    """Compare two head-score files; the second value says why recall is undefined, if it is.

    Raises
    ------
    UserError : broken files, two rules at once, different base models, layers or heads.
    """
    rule = settings.arguments()
    mine, theirs = HeadScores.load(ref), HeadScores.load(other)
    allowed = settings.allow_different_base
    try:
        found = compare_files(mine, theirs, allow_different_base=allowed, **rule)
    except ValueError as error:
        raise UserError(f"{ref} and {other}: {error}") from None
    if found["n_ref"]:
        return found, None
    largest = float(mine.mean.max())
    return found, (
        f"{ref}: no head passes {rule}, the largest score is {largest:.4f}; recall is not defined"
    )


def _rules(mean: Float[Tensor, "layers heads"]) -> list[tuple[str, Rule]]:
    """Several cuts: thresholds, and the top k that the model has heads for."""
    cuts: list[tuple[str, Rule]] = [
        ("> 0", {"nonzero": True}),
        (">= 0.1", {"threshold": 0.1}),
        (">= 0.2", {"threshold": 0.2}),
    ]
    cuts += [(f"top {k}", {"top_k": k}) for k in (10, 20, 50) if k <= mean.numel()]
    return cuts


def similarity(scores: Sequence[HeadScores], **set_rule: Unpack[Rule]) -> list[dict[str, Any]]:
    """Every file against every other: cosine of scores and overlap of heads.

    Raises
    ------
    ValueError : different L or H.
    """
    rows = []
    for a, b in combinations(range(len(scores)), 2):
        require_same_base(scores[a], scores[b], allow=True)
        found = compare(scores[a].mean, scores[b].mean, **set_rule)
        rows.append({"a": a, "b": b, "cosine": found.cosine, "jaccard": found.jaccard})
    return rows


def similarity_of_paths(files: Sequence[Path], settings: SetRule) -> list[dict[str, Any]]:
    """Every head-score file against every other; `a` and `b` are their names.

    Raises
    ------
    UserError : broken files, two rules at once, different layers or heads.
    """
    scores = [HeadScores.load(file) for file in files]
    try:
        rows = similarity(scores, **settings.arguments())
    except ValueError as error:
        raise UserError(str(error)) from None
    return [row | {"a": str(files[row["a"]]), "b": str(files[row["b"]])} for row in rows]


def per_layer(chosen: Bool[Tensor, "layers heads"]) -> list[int]:
    """Number of chosen heads in every layer."""
    return [int(count) for count in chosen.sum(1)]
