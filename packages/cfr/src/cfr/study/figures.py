"""The figure of the study: hit@k of every system, one panel a pool."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tenpapers.report import COLOURS, Picture

from .labels import CONTROL

MARKERS = "osD^vP*X"
TITLE = "Queries with a passage that answers among the first k; dashed: the control C1"


def hits_figure(file: Path, panels: Mapping[str, Mapping[str, Sequence[float]]]) -> Picture:
    """hit@k over k, one line a system; the control is dashed and grey.

    Parameters
    ----------
    panels : by pool and system hit@1, hit@2, ...
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    systems = list(dict.fromkeys(name for lines in panels.values() for name in lines))
    across = min(3, len(panels))
    down = -(-len(panels) // across)
    figure = Figure(figsize=(4.6 * across, 3.4 * down + 0.6), layout="constrained")
    grid = figure.subplots(down, across, squeeze=False)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    drawn = {}
    for axes, (panel, lines) in zip(grid.flat, panels.items(), strict=False):
        for name, values in lines.items():
            number = systems.index(name)
            control = name == CONTROL
            (drawn[name],) = axes.plot(
                range(1, len(values) + 1),
                values,
                label=name,
                lw=1.6,
                ms=3.5,
                marker=MARKERS[number % len(MARKERS)],
                color="#777777" if control else COLOURS[number % len(COLOURS)],
                ls="--" if control else "-",
            )
        axes.set_title(panel, fontsize=10)
        axes.set_xlabel("k")
        axes.set_ylabel("hit@k")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylim(0, 1.02)
        axes.grid(alpha=0.3)
    figure.legend(
        drawn.values(), drawn.keys(), loc="outside lower center", ncols=max(1, len(drawn))
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=130)
    return Picture(TITLE, file)
