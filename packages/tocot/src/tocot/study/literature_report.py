"""The report on comparisons in the literature: tables and figure."""

from typing import Any

from tenpapers.journal import Journal
from tenpapers.records import write_json
from tenpapers.report import Table

from ..literature import MetaResult
from .figures import meta_figure
from .tables import frame_table

OUTLIERS_SHOWN = 10


def write_literature(
    journal: Journal, meta: MetaResult
) -> tuple[dict[str, Any], list[str | Table]]:
    """Write `meta.csv`, `cells.csv`, `outliers.csv`, `results.json` and `meta.png`.

    Returns
    -------
    The content of `results.json`, and tables and sentences to print.
    """
    meta.categories.to_csv(journal.file("meta.csv"), index=False)
    meta.cells.to_csv(journal.file("cells.csv"), index=False)
    meta.outliers.to_csv(journal.file("outliers.csv"), index=False)
    values = literature_values(meta) | {"notes": meta.notes}
    write_json(journal.file("results.json"), values)
    meta_figure(journal.file("meta.png"), meta)
    columns = ["paper_id", "category", "delta", "rows"]
    return values, [
        frame_table(meta.categories, "Gain by category (points)"),
        frame_table(meta.outliers[columns], "Outliers", limit=OUTLIERS_SHOWN),
        f"{len(meta.rows)} comparisons in {len(meta.cells)} cells; mean gain of the rows "
        f"{meta.mean_rows:+.2f}, of the cells {meta.mean_cells:+.2f}",
        "\n".join(f"note: {line}" for line in meta.notes),
    ]


def literature_values(meta: MetaResult) -> dict[str, Any]:
    """The numbers of the meta-analysis as JSON values."""
    return {
        "rows": len(meta.rows),
        "cells": len(meta.cells),
        "mean_rows": meta.mean_rows,
        "mean_cells": meta.mean_cells,
        "top": meta.top,
    }
