"""The filtered training set: a student's data map, the filter on it, and the final sample."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from tenpapers.errors import UserError

from ..records import CartographyRow, Synthetic
from ..scoring.label_mix import match_distribution
from ..students.classifiers import StudentSpec
from .cartography import EPOCHS, KEEP, Filter, Scope, cartography, epoch_probs, kept


@dataclass(frozen=True)
class Filtered:
    """Rows that were kept, and every row's place on the map."""

    rows: list[Synthetic]
    table: list[CartographyRow]


def filter_rows(
    rows: Sequence[Synthetic],
    spec: StudentSpec,
    filters: Sequence[Filter] = (Filter("confidence", top=KEEP),),
    *,
    epochs: int = EPOCHS,
    read: str = "text",
    seed: int = 42,
    progress: str | None = "cartography",
) -> Filtered:
    """Train a student on the set itself and keep what it is confident of (spec 3.8).

    Parameters
    ----------
    read : "text", the generation, or "context", the document that was retrieved.

    Raises
    ------
    UserError : another `read`; what `kept` and `epoch_probs` raise.
    """
    if read not in ("text", "context"):
        raise UserError(f"--read {read}: unknown", "text or context")
    probs, names = epoch_probs(
        rows,
        spec,
        seed=seed,
        epochs=epochs,
        progress=progress,
        text=(lambda row: row.context or row.text) if read == "context" else None,  # type: ignore[attr-defined]
    )
    labels = np.array([names.index(row.label) for row in rows])
    confidence, variability, correctness = cartography(probs, labels)
    values = {"confidence": confidence, "variability": variability, "correctness": correctness}
    keep = kept(values, [row.label for row in rows], filters)
    table = [
        CartographyRow(
            id=row.id,
            label=row.label,
            confidence=float(confidence[place]),
            variability=float(variability[place]),
            correctness=float(correctness[place]),
            probs=[float(epoch[place, labels[place]]) for epoch in probs],
            kept=bool(keep[place]),
        )
        for place, row in enumerate(rows)
    ]
    return Filtered([row for row, stays in zip(rows, keep, strict=True) if stays], table)


def final_sample(
    rows: Sequence[Synthetic],
    target: Mapping[str, float],
    n: int | None,
    *,
    seed: int = 42,
    allow_off: bool = False,
) -> list[Synthetic]:
    """The training set: rows in the gold set's label mix (spec 3.9).

    Raises
    ------
    UserError : what `match_distribution` raises.
    """
    places = match_distribution([row.label for row in rows], target, n, seed, allow_off=allow_off)
    return [rows[place] for place in places.tolist()]


def parse_filter(text: str, scope: str = "label") -> Filter:
    """A filter as it stands on the command line: `confidence:top=0.83`, `variability:0.1..0.3`.

    Raises
    ------
    UserError : another form.
    """
    value, _, rest = text.partition(":")
    try:
        if ".." in rest:
            low, _, high = rest.partition("..")
            return Filter(value, low=_bound(low), high=_bound(high), scope=_scope(scope))
        kind, _, share = rest.partition("=")
        if kind in ("top", "bottom"):
            return Filter(value, **{kind: float(share)}, scope=_scope(scope))  # type: ignore[arg-type]
    except ValueError:
        pass
    raise UserError(f"--filter {text}: not a filter", "e.g. confidence:top=0.83, variability:0.1..")


def _bound(text: str) -> float | None:
    return float(text) if text else None


def _scope(text: str) -> Scope:
    if text not in ("label", "overall"):
        raise UserError(f"--scope {text}: unknown", "label or overall")
    return text  # type: ignore[return-value]
