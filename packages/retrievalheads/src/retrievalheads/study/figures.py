"""The pictures: scatter and knockout curve, heat map of scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenpapers.report import COLOURS, Picture

from ..heads.score_files import HeadScores
from .runs import StudyRun

MARKS = "osD^vP*X<>hd"

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def _curve(axes: Axes, rows: Sequence[dict[str, Any]]) -> None:
    """Score over k: the top heads, and the random controls with the range of their seeds."""
    metric = "f1" if rows and rows[0]["per_example_f1"] else "accuracy"
    ks = sorted({row["k"] for row in rows})

    def values(arm: str, k: int) -> list[float]:
        return [row[metric] for row in rows if row["k"] == k and (row["arm"] == arm or k == 0)]

    axes.plot(ks, [values("top", k)[0] for k in ks], "o-", color=COLOURS[0], label="top k off")
    controls = [(k, values("random", k)) for k in ks if values("random", k)]
    if len(controls) > 1:
        places = [k for k, _ in controls]
        axes.plot(
            places,
            [sum(v) / len(v) for _, v in controls],
            "s--",
            color=COLOURS[1],
            label="random k off (mean of seeds)",
        )
        axes.fill_between(
            places,
            [min(v) for _, v in controls],
            [max(v) for _, v in controls],
            color=COLOURS[1],
            alpha=0.25,
            label="range of seeds",
        )
    axes.set_xlabel("heads switched off (k)")
    axes.set_ylabel("F1" if metric == "f1" else "token accuracy")
    axes.set_ylim(-0.03, 1.03)
    axes.grid(alpha=0.3)
    axes.legend(loc="center right", fontsize=8)  # between the two curves


def knockout_figure(rows: Sequence[dict[str, Any]], path: Path) -> Picture:
    """The knockout curve alone."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    _curve(axes, rows)
    axes.set_title("Heads switched off")
    return _saved(figure, path, "Score with heads switched off")


def study_figure(
    runs: Sequence[StudyRun],
    knockout: Sequence[dict[str, Any]],
    path: Path,
    *,
    title: str,
    recall: str,
    cut: str,
) -> Picture:
    """Left: F1 over recall of the real-data heads, a point a run; right: the knockout curve.

    Parameters
    ----------
    recall : field of the runs; `cut` : which heads it counts.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    _variants(left, runs, recall)
    left.set_xlabel(f"recall of Real-Full's heads (score {cut})")
    left.set_ylabel("F1 on the real test set")
    left.set_title(title)
    if knockout:
        _curve(right, knockout)
        right.set_title("Heads switched off")
    return _saved(figure, path, "F1 over recall of real-data heads, and knockout")


def _variants(axes: Axes, runs: Sequence[StudyRun], recall: str) -> None:
    """A colour a training set, larger marks for more examples; filled is the first seed."""
    names = list(dict.fromkeys(run.name for run in runs))
    first = min(run.seed for run in runs)
    largest = max((run.n_train for run in runs), default=0) or 1
    labelled = set()
    for run in runs:
        value = getattr(run, recall)
        if value is None:
            continue
        number = names.index(run.name)
        colour = COLOURS[number % len(COLOURS)]
        axes.plot(
            value,
            run.f1,
            MARKS[number % len(MARKS)],
            color=colour,
            ms=4 + 6 * (run.n_train / largest) ** 0.5,
            mfc=colour if run.seed == first else "none",
            label=None if run.name in labelled else run.name,
        )
        labelled.add(run.name)
    axes.grid(alpha=0.3)
    if labelled:
        axes.legend(fontsize=8, loc="best", title="size: examples; filled: first seed")


def scatter_figure(runs: Sequence[dict[str, Any]], x: str, y: str, path: Path) -> Picture:
    """One point a run."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4.4), layout="constrained")
    axes = figure.subplots()
    _scatter(axes, runs, x, y)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    return _saved(figure, path, f"{y} over {x}")


def _scatter(axes: Axes, runs: Sequence[dict[str, Any]], x: str, y: str) -> None:
    taken: list[tuple[float, float]] = []
    for number, run in enumerate(runs):
        if run.get(x) is None or run.get(y) is None:
            continue
        colour, mark = COLOURS[number % len(COLOURS)], MARKS[number % len(MARKS)]
        axes.plot(run[x], run[y], mark, color=colour, ms=8, label=run["name"])
        taken.append((run[x], run[y]))
    axes.grid(alpha=0.3)
    if taken:
        axes.legend(fontsize=8, loc="best")


def heat_map(scores: HeadScores, path: Path) -> Picture:
    """Scores of all heads, a row a layer."""
    from matplotlib.figure import Figure

    mean = scores.mean
    figure = Figure(
        figsize=(1.6 + 0.28 * scores.n_heads, 1.4 + 0.2 * scores.n_layers), layout="constrained"
    )
    axes = figure.subplots()
    image = axes.imshow(mean.numpy(), aspect="auto", cmap="cividis", vmin=0)
    axes.set_xlabel("head")
    axes.set_ylabel("layer")
    axes.set_title(f"{scores.probe} score, {Path(scores.model).name}", fontsize=9)
    figure.colorbar(image, ax=axes, label="retrieval score")
    return _saved(figure, path, "Retrieval score of every head")


def matrix_figure(names: Sequence[str], rows: Sequence[dict[str, Any]], path: Path) -> Picture:
    """Cosines of all pairs of files."""
    import numpy as np
    from matplotlib.figure import Figure

    cosines = np.eye(len(names))
    for row in rows:
        first, other = names.index(row["a"]), names.index(row["b"])
        cosines[first, other] = cosines[other, first] = row["cosine"]
    size = 2.5 + 0.5 * len(names)
    figure = Figure(figsize=(size + 1, size), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(cosines, cmap="cividis", vmin=0, vmax=1)
    labels = ["/".join(Path(name).with_suffix("").parts[-2:]) for name in names]
    axes.set_xticks(range(len(names)), labels, rotation=40, ha="right", fontsize=8)
    axes.set_yticks(range(len(names)), labels, fontsize=8)
    figure.colorbar(image, ax=axes, label="cosine of head scores")
    return _saved(figure, path, "Cosine of head scores")


def _saved(figure: Figure, path: Path, title: str) -> Picture:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    return Picture(title, path)
