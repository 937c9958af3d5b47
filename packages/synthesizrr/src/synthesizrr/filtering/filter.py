"""The filtered training set: a student's data map, the filter on it, and the final sample."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer
from tenpapers.errors import UserError

from ..records import CartographyRow, Synthetic, TextRow, read_rows
from ..scoring.label_mix import match_distribution, shares
from ..students.classifiers import StudentSpec, student_spec
from .cartography import EPOCHS, KEEP, Filter, Scope, cartography, epoch_probs, kept

Read = Literal["text", "context"]


@dataclass(frozen=True)
class FilterSettings:
    """What is kept of a synthetic set."""

    keep: Annotated[
        float | None,
        typer.Option(help=f"Share of the most confident rows [{KEEP} where there is no --filter]."),
    ] = None
    filter: Annotated[
        list[str],
        typer.Option(
            "--filter",
            help="VALUE:top=S, :bottom=S or :LOW..HIGH; VALUE is confidence, variability or "
            "correctness.",
        ),
    ] = field(default_factory=list)
    scope: Annotated[Scope, typer.Option(help="Within what a share acts.")] = "label"
    student: Annotated[str, typer.Option(help="Recipe of the student of the map.")] = "distilbert"
    epochs: Annotated[int, typer.Option(help="Recorded epochs.", min=1)] = EPOCHS
    read: Annotated[Read, typer.Option(help="What of a row the student reads.")] = "text"
    target: Annotated[Path | None, typer.Option(help="Gold rows whose label mix is drawn.")] = None
    n: Annotated[int | None, typer.Option("-n", help="Rows drawn with --target.", min=1)] = None
    seed: Annotated[int, typer.Option(help="Seed of every random choice.")] = 42


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
    read: Read = "text",
    seed: int = 42,
    progress: str | None = "cartography",
) -> Filtered:
    """Train a student on the set itself and keep what it is confident of.

    Parameters
    ----------
    read : "text", the generation, or "context", the document that was retrieved.

    Raises
    ------
    UserError : what `kept` and `epoch_probs` raise.
    """
    probs, names = epoch_probs(
        rows,
        spec,
        seed=seed,
        epochs=epochs,
        progress=progress,
        text=(lambda row: row.context or row.text) if read == "context" else None,
    )
    labels = np.array([names.index(row.label) for row in rows])
    confidence, variability, correctness = cartography(probs, labels)
    values = {"confidence": confidence, "variability": variability, "correctness": correctness}
    keep = kept(values, [row.label for row in rows], filters)
    table = [
        CartographyRow(
            id=row.id,
            label=row.label,
            confidence=float(confidence[index]),
            variability=float(variability[index]),
            correctness=float(correctness[index]),
            probs=[float(epoch[index, labels[index]]) for epoch in probs],
            kept=bool(keep[index]),
        )
        for index, row in enumerate(rows)
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
    """The training set: rows in the gold set's label mix.

    Raises
    ------
    UserError : what `match_distribution` raises.
    """
    chosen = match_distribution([row.label for row in rows], target, n, seed, allow_off=allow_off)
    return [rows[index] for index in chosen.tolist()]


def filtered_set(rows: Sequence[Synthetic], settings: FilterSettings) -> Filtered:
    """The filters of the settings, and then the sample in the gold set's label mix.

    Raises
    ------
    UserError : what `filter_rows` and `final_sample` raise, a filter that cannot be read.
    """
    filters = [parse_filter(text, settings.scope) for text in settings.filter]
    if settings.keep is not None or not filters:
        filters.append(Filter("confidence", top=settings.keep or KEEP, scope=settings.scope))
    found = filter_rows(
        rows,
        student_spec(settings.student),
        filters,
        epochs=settings.epochs,
        read=settings.read,
        seed=settings.seed,
    )
    if settings.target is None:
        return found
    mix = shares([str(row.label) for row in read_rows(settings.target, TextRow)])
    drawn = final_sample(found.rows, mix, settings.n, seed=settings.seed)
    return Filtered(drawn, found.table)


def parse_filter(text: str, scope: Scope = "label") -> Filter:
    """A filter as it stands on the command line: `confidence:top=0.83`, `variability:0.1..0.3`.

    Raises
    ------
    UserError : another form.
    """
    value, _, rest = text.partition(":")
    try:
        if ".." in rest:
            low, _, high = rest.partition("..")
            return Filter(value, low=_bound(low), high=_bound(high), scope=scope)
        kind, _, share = rest.partition("=")
        if kind in ("top", "bottom"):
            bounds = {kind: float(share)}
            return Filter(value, top=bounds.get("top"), bottom=bounds.get("bottom"), scope=scope)
    except ValueError:
        pass
    raise UserError(f"--filter {text}: not a filter", "e.g. confidence:top=0.83, variability:0.1..")


def _bound(text: str) -> float | None:
    return float(text) if text else None
