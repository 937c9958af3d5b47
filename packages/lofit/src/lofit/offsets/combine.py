"""Several adapters as one: offsets add up, each with its weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tenpapers.cli import comma_separated
from tenpapers.errors import UserError
from tenpapers.journal import Journal
from tenpapers.models import Head

from ..heads.ranking import AdapterMismatchError, check_geometry, geometry_fields
from .adapter import CARD, CONFIG, WEIGHTS, LofitAdapter
from .base_model import check_weights


def combine(adapters: Sequence[LofitAdapter], weights: Sequence[float]) -> LofitAdapter:
    """Add adapters of one base: sum of weight * v on every head that any of them has.

    Parameters
    ----------
    weights : one for each adapter; 1 is the adapter as it was trained.

    Returns
    -------
    An adapter like any other: it can be attached, evaluated, saved and merged.

    Raises
    ------
    UserError : no adapters, not one weight for each, offsets beside scales, or adapters that edit
        different positions.
    AdapterMismatchError : adapters of different bases.
    """
    import torch

    if not adapters or len(adapters) != len(weights):
        raise UserError(f"{len(adapters)} adapters and {len(weights)} weights: one for each")
    first = adapters[0]
    for other in adapters[1:]:
        check_geometry("adapter", geometry_fields(other.geometry), first.geometry)
        if other.geometry.model_type != first.geometry.model_type:
            kinds = f"{first.geometry.model_type} and {other.geometry.model_type}"
            raise AdapterMismatchError(f"adapters made for {kinds}")
        check_weights(
            "an adapter",
            other.base_model,
            other.base_weights,
            first.base_model,
            first.base_weights,
        )
        if other.component != first.component:
            raise UserError("offsets and scales do not add up", "combine adapters of one kind")
        if other.positions != first.positions:
            raise UserError("one adapter edits every token, another the last one only")
    if first.component == "scale":
        scales = [weight * a.values for weight, a in zip(weights, adapters, strict=True)]
        return replace(first, values=torch.stack(scales).sum(0), train=_trained(adapters, weights))
    heads: dict[Head, torch.Tensor] = {}
    for weight, adapter in zip(weights, adapters, strict=True):
        for head, value in zip(adapter.heads, adapter.values, strict=True):
            heads[head] = heads.get(head, torch.zeros_like(value)) + weight * value
    return replace(
        first,
        heads=list(heads),
        values=torch.stack(list(heads.values())),
        scores=[],
        task="+".join(dict.fromkeys(adapter.task for adapter in adapters if adapter.task)),
        train=_trained(adapters, weights),
    )


def _trained(adapters: Sequence[LofitAdapter], weights: Sequence[float]) -> dict[str, object]:
    """What the combined adapter says of its parts."""
    return {
        "combined": [
            {"weight": weight, "task": adapter.task, "train": adapter.train}
            for weight, adapter in zip(weights, adapters, strict=True)
        ]
    }


def combine_folders(folders: Sequence[Path], weights: str | None, journal: Journal) -> LofitAdapter:
    """Combine the adapters in folders, and write the result into the journal's folder.

    Parameters
    ----------
    weights : numbers with commas; None is 1 for each.

    Raises
    ------
    UserError : weights that are no numbers; see `combine`.
    """
    try:
        numbers = [float(part) for part in comma_separated(weights)] if weights else None
    except ValueError:
        raise UserError(f"--weights {weights}: numbers with commas are wanted") from None
    adapters = [LofitAdapter.load(folder) for folder in folders]
    combined = combine(adapters, [1.0] * len(adapters) if numbers is None else numbers)
    journal.claim(CONFIG, WEIGHTS, CARD)
    combined.save(journal.root)
    return combined
