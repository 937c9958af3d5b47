"""Figures of the study."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from tenpapers.report import COLOURS, Picture

from ..records import CartographyRow

MARKERS = "osD^vP*X"


def self_bleu_figure(
    path: Path, lines: Mapping[str, Mapping[str, float]], title: str, *, gold: str = "Gold"
) -> Picture:
    """Self-BLEU-n over n, one line a data set; also a CSV of the same name. Gold is black.

    Parameters
    ----------
    lines : by data set, "1".."5" -> mean between 0 and 1.
    """
    from matplotlib.figure import Figure

    with path.with_suffix(".csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["data set", *next(iter(lines.values()))])
        writer.writerows([name, *values.values()] for name, values in lines.items())
    figure = Figure(figsize=(7.5, 4.6), layout="constrained")
    axes = figure.subplots()
    for index, (name, values) in enumerate(lines.items()):
        orders = [int(n) for n in values]
        axes.plot(
            orders,
            [100 * value for value in values.values()],
            label=name,
            lw=2,
            marker=MARKERS[index % len(MARKERS)],
            color="black" if name == gold else COLOURS[index % (len(COLOURS) - 1)],
            ls="--" if name == gold else "-",
        )
    axes.set_xticks(orders)
    axes.set_xlabel("n")
    axes.set_ylabel("Self-BLEU-n (lower is more diverse)")
    axes.set_ylim(bottom=0)
    axes.set_title(title)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=9)
    figure.savefig(path, dpi=130)
    return Picture(title, path)


def data_map(path: Path, rows: Sequence[CartographyRow], title: str) -> Picture:
    """The data map: variability and confidence of every row, colour is correctness."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.5, 4.8), layout="constrained")
    axes = figure.subplots()
    points = axes.scatter(
        [row.variability for row in rows],
        [row.confidence for row in rows],
        c=[row.correctness for row in rows],
        cmap="viridis",
        s=18,
        vmin=0,
        vmax=1,
        marker="o",
    )
    dropped = [row for row in rows if not row.kept]
    axes.scatter(
        [row.variability for row in dropped],
        [row.confidence for row in dropped],
        s=46,
        facecolors="none",
        edgecolors=COLOURS[5],
        label="filtered out",
    )
    figure.colorbar(points, ax=axes, label="correctness (share of epochs)")
    axes.set_xlabel("variability")
    axes.set_ylabel("confidence")
    axes.set_ylim(0, 1)
    axes.set_title(title)
    if dropped:
        axes.legend()
    figure.savefig(path, dpi=130)
    return Picture(title, path)
