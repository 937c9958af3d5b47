"""The figure: what recipes gain, for how many words."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tenpapers.report import COLOURS, Picture

MARKERS = "osD^vP*X"


class Point(NamedTuple):
    """A recipe in the figure; `low` and `high` are the ends of its interval, if it has one."""

    name: str
    edits: float
    gain: float
    low: float | None = None
    high: float | None = None


def gain_figure(
    file: Path, points: Sequence[Point], gain: str, *, title: str = "", nothing: float = 0.0
) -> Picture:
    """Gain against mean word edits, one point a recipe.

    Parameters
    ----------
    gain : label of the axis, with its unit.
    nothing : what doing nothing gives; a dotted line.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.6, 4.6), layout="constrained")
    axes = figure.subplots()
    for number, point in enumerate(points):
        colour = COLOURS[number % len(COLOURS)]
        ends = None
        if point.low is not None and point.high is not None:
            ends = [[max(0.0, point.gain - point.low)], [max(0.0, point.high - point.gain)]]
        axes.errorbar(
            point.edits,
            point.gain,
            ends,
            fmt=MARKERS[number % len(MARKERS)],
            color=colour,
            capsize=3,
            ms=7,
            label=point.name,
        )
    axes.axhline(nothing, color="#777777", lw=1.2, ls=":")
    axes.set_xlabel("word edits a response, mean")
    axes.set_ylabel(gain)
    axes.set_title(title or "What a refinement gains, and what it changes")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=3, fontsize=9)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=130)
    return Picture("Gain against word edits, with 95% intervals", file)
