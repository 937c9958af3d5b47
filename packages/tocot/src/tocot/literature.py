"""What other papers report, with and without chain of thought."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenpapers.errors import UserError, first_line

if TYPE_CHECKING:
    from pandas import DataFrame

log = logging.getLogger(__name__)

CATEGORIES = (
    "text classification",
    "meta-linguistic",
    "commonsense reasoning",
    "encyclopedic knowledge",
    "multi-hop QA",
    "generation",
    "entailment",
    "context-aware QA",
    "other",
    "spatial & temporal reasoning",
    "logical reasoning",
    "math",
    "symbolic & algorithmic",
    "various",
)
# The paper's "mixed datasets": in tables, not in plots.
MIXED = "various"
TOP = ("symbolic & algorithmic", "math", "logical reasoning")
# The sheet's column names, and ours.
COLUMNS = {
    "Paper link": "paper_link",
    "Category": "category",
    "Dataset": "dataset",
    "Direct perf.": "direct",
    "CoT perf.": "cot",
    "Delta": "delta",
    "Model": "model",
}
STORED_OFF = 0.05  # points a stored delta may differ from CoT - Direct


@dataclass(frozen=True)
class MetaResult:
    """The meta-analysis.

    Parameters
    ----------
    rows : comparisons that count, with their category.
    cells : mean of each (paper, category).
    categories : mean, median and number of each category's cells, and the same over rows.
    top : mean CoT and direct score over the cells of the three highest category means (`top`) and
        over all others, and the same for the three categories that the paper found (`named`).
    outliers : cells outside math, logic and symbols, highest gain first.
    mean_rows, mean_cells : of the gain, without mixed data sets.
    notes : what was dropped or looks wrong.
    """

    rows: "DataFrame"
    cells: "DataFrame"
    categories: "DataFrame"
    top: dict[str, Any]
    outliers: "DataFrame"
    mean_rows: float
    mean_cells: float
    notes: list[str] = field(default_factory=list)


def read_results(paths: Sequence[Path]) -> "DataFrame":
    """Result rows of CSV files, columns by our names.

    Raises
    ------
    UserError : missing file or column, a score outside 0 to 100.
    """
    import pandas

    frames = []
    for path in paths:
        if not path.exists():
            raise UserError(f"{path}: no such file")
        try:
            frame = pandas.read_csv(path)
        except (ValueError, UnicodeDecodeError) as error:
            raise UserError(f"{path}: not CSV: {first_line(error)}") from None
        frame = frame.rename(columns=COLUMNS)
        if "paper_id" not in frame and "paper_link" in frame:
            frame["paper_id"] = frame["paper_link"]
        for name in ("paper_id", "dataset", "direct", "cot"):
            if name not in frame:
                raise UserError(f"{path}: missing column {name!r}", f"has {', '.join(frame)}")
        for name in ("direct", "cot"):
            frame[name] = pandas.to_numeric(frame[name], errors="coerce")
            bad = frame.index[(frame[name] < 0) | (frame[name] > 100)]
            if len(bad):
                raise UserError(
                    f"{path}:{bad[0] + 2}: {name} {frame[name][bad[0]]:g} is not within 0 and 100"
                )
        frames.append(frame)
    return pandas.concat(frames, ignore_index=True)


def read_categories(path: Path) -> dict[str, str]:
    """Category of each data set; what follows a "(" is dropped.

    Raises
    ------
    UserError : missing column; a data set with two categories.
    """
    import pandas

    if not path.exists():
        raise UserError(f"{path}: no such file")
    frame = pandas.read_csv(path).rename(columns=COLUMNS)
    for name in ("dataset", "category"):
        if name not in frame:
            raise UserError(f"{path}: missing column {name!r}", f"has {', '.join(frame)}")
    return unique_categories(zip(frame["dataset"], frame["category"], strict=True), str(path))


def unique_categories(pairs: Iterable[tuple[object, object]], where: str) -> dict[str, str]:
    """One category a data set.

    Raises
    ------
    UserError : a data set with two.
    """
    found: dict[str, str] = {}
    for dataset, category in pairs:
        if not isinstance(dataset, str) or not isinstance(category, str):
            continue
        name = plain_category(category)
        if found.setdefault(dataset, name) != name:
            raise UserError(
                f"{where}: data set {dataset!r} has two categories: {found[dataset]!r} and {name!r}"
            )
    return found


def plain_category(text: str) -> str:
    """`Math (arithmetic)` as `math`."""
    return (
        text.split("(")[0]
        .strip()
        .lower()
        .replace("multi-hop qa", "multi-hop QA")
        .replace("context-aware qa", "context-aware QA")
    )


def meta_analyse(results: "DataFrame", categories: Mapping[str, str] | None = None) -> MetaResult:
    """Cells, categories, top three against the rest, and outliers.

    Parameters
    ----------
    results : what `read_results` gives.
    categories : of each data set; None takes the rows' own column.

    Raises
    ------
    UserError : neither; a data set with two categories; no row left.
    """
    notes: list[str] = []
    if categories is None:
        if "category" not in results:
            raise UserError("the results have no column 'category'", "pass --categories CATS.csv")
        categories = unique_categories(
            zip(results["dataset"], results["category"], strict=True), "results"
        )
    frame = results.copy()
    frame["category"] = frame["dataset"].map(categories)
    without = sorted(frame.loc[frame["category"].isna(), "dataset"].dropna().unique())
    if without:
        notes.append(f"{len(without)} data sets without a category: {', '.join(without[:10])}")
    strange = sorted(set(frame["category"].dropna()) - set(CATEGORIES))
    if strange:
        notes.append(f"categories that are not among the 14: {', '.join(strange)}")
    whole = frame.dropna(subset=["paper_id", "dataset", "category", "direct", "cot"])
    if len(whole) < len(frame):
        notes.append(f"{len(frame) - len(whole)} of {len(frame)} rows dropped for missing values")
    if whole.empty:
        raise UserError("no comparison is left", "; ".join(notes))
    gain = whole["cot"] - whole["direct"]
    if "delta" in whole:
        off = (whole["delta"] - gain).abs() > STORED_OFF
        if off.any():
            notes.append(f"{int(off.sum())} stored deltas differ from CoT - direct; ours count")
    whole = whole.assign(delta=gain)
    cells = whole.groupby(["paper_id", "category"], as_index=False).agg(
        direct=("direct", "mean"),
        cot=("cot", "mean"),
        delta=("delta", "mean"),
        rows=("delta", "size"),
        datasets=("dataset", lambda names: ", ".join(sorted(set(names)))),
    )
    table = _categories(cells, whole)
    plain_rows, plain_cells = (part[part["category"] != MIXED] for part in (whole, cells))
    outliers = cells[~cells["category"].isin([*TOP, MIXED])].sort_values(
        "delta", ascending=False, kind="stable"
    )
    return MetaResult(
        whole.reset_index(drop=True),
        cells,
        table,
        _top(cells, table),
        outliers.reset_index(drop=True),
        float(plain_rows["delta"].mean()),
        float(plain_cells["delta"].mean()),
        notes,
    )


def _categories(cells: "DataFrame", rows: "DataFrame") -> "DataFrame":
    """Statistics of every category, in the order of the figure: ascending median."""
    by_cell = cells.groupby("category")["delta"].agg(["mean", "median", "size"])
    by_row = rows.groupby("category")["delta"].agg(["mean", "median", "size"])
    table = by_cell.join(by_row.add_suffix(" of rows")).reset_index()
    table.columns = ["category", "mean", "median", "cells", "mean_rows", "median_rows", "rows"]
    return table.sort_values(["median", "category"], kind="stable").reset_index(drop=True)


def _top(cells: "DataFrame", table: "DataFrame") -> dict[str, Any]:
    best = table[table["category"] != MIXED].nlargest(3, "mean")["category"].tolist()
    inside, named = cells["category"].isin(best), cells["category"].isin(TOP)
    parts = {"top": inside, "others": ~inside, "named": named, "named_others": ~named}
    means = {
        name: {
            "cot": float(cells[part]["cot"].mean()),
            "direct": float(cells[part]["direct"].mean()),
            "cells": int(part.sum()),
        }
        for name, part in parts.items()
        if part.any()
    }
    return {"categories": best} | means
