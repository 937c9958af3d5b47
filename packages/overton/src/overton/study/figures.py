"""The figures of the study and of an analysis."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenpapers.report import COLOURS, Picture, bars

from ..records import STANCES
from .tables import named

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

# Yes and no in two strong colours, both between them, other in grey.
_STANCE_COLOURS = {
    "yes": COLOURS[0],
    "both": COLOURS[2],
    "no": COLOURS[1],
    "other": "#999999",
}
# The legend of stances in one line; a figure of a few models is narrower.
_LEGEND_INCHES = 8.5


def stance_figure(file: Path, models: Mapping[str, Mapping[str, Any]]) -> Picture:
    """Shares of stances as stacked bars, with D and O marked."""
    from matplotlib.figure import Figure

    known = {name: row for name, row in models.items() if row["n"]}
    width = min(16.0, 3.5 + 1.3 * len(known))
    figure = Figure(figsize=(width, 5.2), layout="constrained")
    axes = figure.subplots()
    below = [0.0] * len(known)
    for stance, colour in _STANCE_COLOURS.items():
        shares = [row[stance] / row["n"] for row in known.values()]
        axes.bar(range(len(known)), shares, 0.7, bottom=below, color=colour, label=stance)
        below = [low + share for low, share in zip(below, shares, strict=True)]
    d = [row["yes_and_no"] for row in known.values()]
    o = [row["both"] / row["n"] for row in known.values()]
    edge: dict[str, Any] = {"linestyle": "none", "markeredgecolor": "black", "markersize": 9}
    axes.plot(range(len(known)), d, marker="D", color="white", label="D: yes and no", **edge)
    axes.plot(range(len(known)), o, marker="o", color="white", label="O: share of both", **edge)
    axes.set_xticks(range(len(known)), list(known), rotation=30, ha="right")
    axes.set_ylabel("share of responses (bars, O) or questions (D)")
    axes.set_ylim(0, 1)
    title = "Stances: distributional (D) and Overton (O) pluralism"
    axes.set_title(title)
    entries = len(STANCES) + 2
    columns = entries if width > _LEGEND_INCHES else entries // 2
    figure.legend(loc="outside lower center", ncols=columns)
    return _saved(figure, file, title)


def union_figure(file: Path, pairs: Mapping[str, Mapping[str, Any]]) -> Picture | None:
    """Growth of the union of base samples against the words of one aligned answer."""
    from matplotlib.figure import Figure

    known = {name: row for name, row in pairs.items() if row["union_sizes"] and row["ref_types"]}
    if not known:
        return None
    figure = Figure(figsize=(8, 5.2), layout="constrained")
    axes = figure.subplots()
    for number, (name, row) in enumerate(known.items()):
        colour = COLOURS[number % len(COLOURS)]
        style = "-" if number < len(COLOURS) else "--"
        sizes = row["union_sizes"]
        axes.plot(range(1, len(sizes) + 1), sizes, style, marker="o", color=colour, label=name)
        axes.axhline(row["ref_types"], color=colour, linestyle=":", linewidth=1)
        if (reached := row["sample_equivalents"]) is not None:
            mark: dict[str, Any] = {"color": colour, "markeredgecolor": "black", "zorder": 5}
            axes.plot(reached, row["ref_types"], "*", markersize=13, **mark)
    axes.set_xticks(range(1, 1 + max(len(row["union_sizes"]) for row in known.values())))
    axes.set_xlabel("base samples together")
    axes.set_ylabel("distinct content words")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    title = "Words of base samples together; dotted: of one aligned answer; star: as many"
    axes.set_title(title)
    figure.legend(loc="outside lower center", ncols=2, fontsize=8)
    return _saved(figure, file, title)


def jaccard_figure(file: Path, title: str, models: Mapping[str, Mapping[str, Any]]) -> Picture:
    """Jaccard similarity among each model's own samples."""
    values = [row["jaccard"] for row in models.values()]
    name = "Jaccard among a model's samples (higher: less diverse)"
    return bars(file, list(models), {"content words": values}, ylabel=name, title=title)


def similarity_figure(
    file: Path, frame: "pandas.DataFrame", reference: str, names: Sequence[str]
) -> Picture | None:
    """Mean similarity to a reference, one panel a metric, with the ceiling as a dashed line.

    Parameters
    ----------
    frame : of `similarity_report`.
    names : alternatives that are shown, from top to bottom; those that are not there are left out.
    """
    from matplotlib.figure import Figure

    own = frame[(frame["reference"] == reference) & frame["mean"].notna()]
    shown = [name for name in names if (own["alternative"] == name).any()]
    metrics = list(dict.fromkeys(own["metric"]))
    if not shown:
        return None
    size = (max(6.4, 2.2 + 2.6 * len(metrics)), 1.9 + 0.3 * len(shown))
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
    for axes, metric, colour in zip(panels, metrics, COLOURS, strict=False):
        rows = own[own["metric"] == metric].set_index("alternative")
        for place, name in enumerate(shown):
            if name in rows.index:
                row = rows.loc[name]
                if row["low"] == row["low"] and row["low"] is not None and not row["is_ceiling"]:
                    limits = row["ceiling"] + row["low"], row["ceiling"] + row["high"]
                    axes.plot(limits, (place, place), color=colour, linewidth=1.5)
                axes.plot(row["mean"], place, "o", color=colour)
        ceiling = rows["ceiling"].dropna()
        if len(ceiling):
            axes.axvline(ceiling.iloc[0], color="black", linestyle="--", linewidth=1)
        axes.set_xlabel(f"{named(metric)}, mean")
        axes.set_xlim(left=0)
        axes.grid(alpha=0.3)
    panels[0].set_yticks(range(len(shown)), shown)
    panels[0].invert_yaxis()
    title = f"Similarity to {reference}; dashed: its own answers to each other (ceiling)"
    figure.suptitle(title, fontsize=11)
    return _saved(figure, file, title)


def _saved(figure: "Figure", file: Path, title: str) -> Picture:
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=130)
    return Picture(title, file)
