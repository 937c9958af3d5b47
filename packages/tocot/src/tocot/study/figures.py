"""Figures: literature deltas and the radar of groups, violins of the meta-analysis, equals bars."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray
from tenpapers.report import COLOURS, Picture, bars

from ..inputs.task_registry import GROUPS
from ..scoring.equals_sign import EqualsResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.projections.polar import PolarAxes

    from ..literature import MetaResult

BANDWIDTH = 0.9
JITTER_SEED = 0


def overview_figure(
    path: Path, groups: Sequence[Mapping[str, Any]], meta: "MetaResult | None" = None
) -> Picture:
    """The paper's overview: gains by category in the literature, and group means of both arms.

    Parameters
    ----------
    groups : rows of `group_table` by the five groups, under "guess".
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12.5, 5.2), layout="constrained")
    if meta is not None:
        _half_violins(figure.add_subplot(1, 2, 1), meta, (-60, 60))
    accuracy_by_group(figure, (1, 2, 2) if meta is not None else (1, 1, 1), groups)
    title = "Gain of chain of thought in the literature, and accuracy by group"
    figure.savefig(path, dpi=130)
    return Picture(title, path)


def accuracy_by_group(
    figure: "Figure", place: tuple[int, int, int], groups: Sequence[Mapping[str, Any]]
) -> "Axes":
    """Means of both arms: a radar of three groups or more, bars of fewer, a sentence of none."""
    names = [name for name in GROUPS if any(row["group"] == name for row in groups)]
    means = {
        key: [
            float(np.mean([row[f"{key}_guess"] for row in groups if row["group"] == name]))
            for name in names
        ]
        for key in ("direct", "cot")
    }
    if len(names) < 3:  # no area to see
        axes = figure.add_subplot(*place)
        _group_bars(axes, names, means)
        return axes
    polar = figure.add_subplot(*place, projection="polar")
    _radar(cast("PolarAxes", polar), names, means)
    return polar


def _radar(axes: "PolarAxes", names: list[str], means: dict[str, list[float]]) -> None:
    angles = [2 * math.pi * number / len(names) for number in range(len(names))]
    for (key, label), colour, style in zip(
        (("direct", "direct answer"), ("cot", "chain of thought")),
        COLOURS,
        ("--", "-"),
        strict=False,
    ):
        values = means[key]
        axes.plot(
            [*angles, angles[0]],
            [*values, values[0]],
            color=colour,
            ls=style,
            lw=2,
            marker="o",
            label=label,
        )
        axes.fill([*angles, angles[0]], [*values, values[0]], color=colour, alpha=0.12)
    axes.set_theta_zero_location("N")
    axes.set_xticks(angles, names)
    axes.tick_params(axis="x", pad=14)
    for angle, name in zip(angles, axes.get_xticklabels(), strict=True):
        side = -math.sin(angle)  # labels stand outside the circle
        name.set_horizontalalignment(
            "center" if abs(side) < 0.1 else "left" if side > 0 else "right"
        )
    axes.set_ylim(0, 100)
    axes.set_title("Accuracy in percent (unparseable: guess)", pad=18)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=2)


def _group_bars(axes: "Axes", names: list[str], means: dict[str, list[float]]) -> None:
    """One or two groups as bars; without any a sentence."""
    axes.set_title("Accuracy in percent (unparseable: guess)")
    if not names:
        axes.text(0.5, 0.5, "No task is in one of the five groups.", ha="center")
        axes.set_axis_off()
        return
    lines = np.arange(len(names))
    for shift, (key, label), colour in zip(
        (-0.2, 0.2),
        (("direct", "direct answer"), ("cot", "chain of thought")),
        COLOURS,
        strict=False,
    ):
        axes.barh(lines + shift, means[key], 0.38, color=colour, label=label)
    axes.set_yticks(lines, names)
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.legend(loc="lower right")


def meta_figure(path: Path, meta: "MetaResult") -> Picture:
    """Violins of all comparisons, small dots for them, large ones for (paper, category) cells."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6.5), layout="constrained")
    _half_violins(figure.subplots(), meta, (-100, 100), rows=True)
    figure.savefig(path, dpi=130)
    return Picture("Gain of chain of thought by category", path)


def _half_violins(
    axes: "Axes", meta: "MetaResult", limits: tuple[int, int], rows: bool = False
) -> None:
    """Half violins and dots, categories by ascending median from below."""
    from ..literature import MIXED

    names = [name for name in meta.categories["category"] if name != MIXED]
    rng = np.random.default_rng(JITTER_SEED)
    source = meta.rows if rows else meta.cells
    for line, name in enumerate(names):
        values = source.loc[source["category"] == name, "delta"].to_numpy(dtype=float)
        if len(values) > 2 and np.ptp(values) > 0:
            axes.fill_between(*_density(values, line), line, color=COLOURS[4], alpha=0.5, lw=0)
        if rows:
            axes.scatter(values, line - 0.05 - 0.3 * rng.random(len(values)), s=8, color="0.6")
        own = meta.cells.loc[meta.cells["category"] == name, "delta"].to_numpy(dtype=float)
        heights = line - 0.05 - 0.2 * rng.random(len(own))
        axes.scatter(own, heights, s=34, color=COLOURS[0], edgecolor="white", zorder=3)
    axes.axvline(0, color="black", lw=1)
    mean = meta.mean_cells if rows else meta.mean_rows
    axes.axvline(mean, color=COLOURS[5], lw=1.2, ls="--", label=f"mean {mean:+.1f}")
    axes.set_yticks(range(len(names)), names)
    axes.set_xlim(*limits)
    axes.set_xlabel("CoT minus direct answer (points)")
    axes.grid(axis="x", alpha=0.3)
    axes.legend(loc="lower right")
    axes.set_title("Comparisons in the literature")


def _density(
    values: NDArray[np.float64], line: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Outline of a half violin above a line of the plot: where it is, and how high."""
    from scipy.stats import gaussian_kde

    grid = np.linspace(values.min() - 10, values.max() + 10, 200)
    height = gaussian_kde(values, bw_method=BANDWIDTH)(grid)
    return grid, line + 0.45 * height / height.max()


def deltas_figure(path: Path, rows: Sequence[Mapping[str, Any]], title: str) -> Picture:
    """Gain of every task with its 95 % interval, smallest first."""
    from matplotlib.figure import Figure

    kept = sorted((row for row in rows if row["delta"] is not None), key=lambda row: row["delta"])
    figure = Figure(figsize=(8, max(3.0, 0.24 * len(kept) + 1.5)), layout="constrained")
    axes = figure.subplots()
    groups = sorted({row["group"] or "other" for row in kept})
    for line, row in enumerate(kept):
        colour = COLOURS[groups.index(row["group"] or "other") % len(COLOURS)]
        axes.plot([row["ci_low"], row["ci_high"]], [line, line], color=colour, lw=2)
        filled = colour if row["significant"] else "white"
        axes.plot(row["delta"], line, "o", color=colour, mfc=filled, ms=6)
    for number, name in enumerate(groups):
        axes.plot([], [], "o", color=COLOURS[number % len(COLOURS)], label=name)
    axes.axvline(0, color="black", lw=1)
    axes.set_yticks(range(len(kept)), [row["task"] for row in kept], fontsize=8)
    axes.set_xlabel("CoT minus direct answer (points); filled: significant")
    axes.set_title(title)
    axes.grid(axis="x", alpha=0.3)
    axes.legend(loc="lower right", fontsize=8)
    figure.savefig(path, dpi=130)
    return Picture(title, path)


def equals_figure(path: Path, results: Mapping[str, EqualsResult]) -> Picture:
    """Gain of items with and without an equals sign, a pair of bars each."""
    names = [name for name, split in results.items() if split.n_with and split.n_without]
    return bars(
        path,
        names,
        {
            "with =": [results[name].delta_with for name in names],
            "without =": [results[name].delta_without for name in names],
        },
        ylabel="gain (points)",
        title="Gain of chain of thought with and without an equals sign",
    )
