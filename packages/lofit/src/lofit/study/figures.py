"""Pictures: where the chosen heads are, and how a metric moves with a setting."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tenpapers.report import COLOURS, Picture

from ..heads.overlap import layer_histogram

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from tenpapers.models import Head


def layers_figure(
    path: Path, sets: Mapping[str, Sequence[Sequence["Head"]]], n_layers: int, title: str
) -> Picture:
    """Selected heads per layer, one colour a set (the form of the paper's figure 3).

    Parameters
    ----------
    sets : heads of every seed by name; the mean over the seeds is drawn.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.8), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / max(1, len(sets))
    for number, (name, seeds) in enumerate(sets.items()):
        heads = [head for chosen in seeds for head in chosen]
        shares = [100 * share for share in layer_histogram(heads, n_layers)]
        at = [i + (number - (len(sets) - 1) / 2) * width for i in range(n_layers)]
        axes.bar(
            at,
            shares,
            width,
            label=f"{name} (K = {len(seeds[0])})",
            color=COLOURS[number % len(COLOURS)],
        )
    axes.set_xlabel("layer")
    axes.set_ylabel("selected heads (% of K)")
    axes.set_title(title)
    axes.grid(axis="y", alpha=0.3)
    axes.legend()
    return _saved(figure, path, title)


def curve_figure(
    path: Path,
    curves: Mapping[str, Sequence[tuple[float, float]]],
    *,
    xlabel: str,
    ylabel: str,
    title: str,
) -> Picture:
    """Lines through (setting, metric) points."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for number, (name, points) in enumerate(curves.items()):
        axes.plot(
            *zip(*sorted(points), strict=True),
            "o-",
            label=name,
            color=COLOURS[number % len(COLOURS)],
        )
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    axes.set_title(title)
    axes.grid(alpha=0.3)
    axes.legend()
    return _saved(figure, path, title)


def matrix_figure(
    path: Path,
    names: Sequence[str],
    values: Sequence[Sequence[float]],
    labels: Sequence[Sequence[str]],
    *,
    rows: str,
    columns: str,
    title: str,
) -> Picture:
    """A square of numbers, e.g. Jaccard between head sets or head transfer between tasks."""
    from matplotlib.figure import Figure

    size = 2.5 + 0.9 * len(names)
    figure = Figure(figsize=(size + 1, size), layout="constrained")
    axes = figure.subplots()
    shown = axes.imshow(values, cmap="cividis", vmin=0)
    middle = max(max(row) for row in values) / 2
    for i, row in enumerate(labels):
        for j, text in enumerate(row):
            colour = "black" if values[i][j] > middle else "white"
            axes.text(j, i, text, ha="center", va="center", color=colour)
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel(columns)
    axes.set_ylabel(rows)
    axes.set_title(title)
    figure.colorbar(shown, ax=axes, shrink=0.8)
    return _saved(figure, path, title)


def _saved(figure: "Figure", path: Path, title: str) -> Picture:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    return Picture(title, path)
