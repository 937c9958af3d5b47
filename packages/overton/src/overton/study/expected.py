"""Our numbers beside those that came with the recorded outputs, value by value."""

from collections.abc import Iterator
from dataclasses import dataclass

TOLERANCE, COSINE_TOLERANCE = 1e-4, 2e-3


@dataclass(frozen=True)
class Compared:
    """One number that came with the data, and ours.

    Parameters
    ----------
    name : its path in the tree.
    ours : None where we have none.
    """

    name: str
    expected: float
    ours: float | None
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether ours is within the tolerance."""
        return self.ours is not None and abs(self.ours - self.expected) <= self.tolerance


def compare_trees(expected: object, ours: object, *, cosines: bool = True) -> list[Compared]:
    """Compare every number of a tree; words and what begins with `_` are none.

    Parameters
    ----------
    cosines : whether they were measured; else they are left out.
    """
    found = _walk(expected, ours, "")
    return [one for one in found if cosines or one.tolerance != COSINE_TOLERANCE]


def _walk(expected: object, ours: object, name: str) -> Iterator[Compared]:
    if isinstance(expected, dict):
        for key, value in expected.items():
            if not key.startswith("_"):
                own = ours.get(key) if isinstance(ours, dict) else None
                yield from _walk(value, own, f"{name}/{key}" if name else key)
    elif isinstance(expected, list):
        for place, value in enumerate(expected):
            own = ours[place] if isinstance(ours, list) and place < len(ours) else None
            yield from _walk(value, own, f"{name}/{place}")
    elif isinstance(expected, int | float) and not isinstance(expected, bool):
        tolerance = COSINE_TOLERANCE if "cos" in name.rsplit("/", 1)[-1] else TOLERANCE
        own = ours if isinstance(ours, int | float) else None
        yield Compared(name, float(expected), own, tolerance)
