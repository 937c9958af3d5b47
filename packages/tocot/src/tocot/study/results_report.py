"""The report on a set of outputs: tables, sentences, figures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tenpapers.records import write_json, write_text
from tenpapers.report import Picture, Table, report_markdown

from ..literature import MetaResult, meta_analyse, read_results
from ..scoring.cell_numbers import MANY_UNPARSED, GroupBy, group_table, positions, results, warnings
from ..scoring.cell_tests import cell_tests, verdict
from ..scoring.equals_sign import equals_pairs, equals_split, pooled
from ..scoring.pairs import Cell, Policy
from .figures import deltas_figure, overview_figure
from .tables import cell_table, group_rows, mapping_table

Body = list[str | Table | Picture]


def write_results(
    out: Path,
    cells: Sequence[Cell],
    *,
    by: GroupBy = "five",
    policy: Policy = "wrong",
    literature: Path | None = None,
    seed: int = 0,
    title: str = "Direct answers and CoT",
) -> tuple[Body, dict[str, Any]]:
    """Write `report.md`, `table.csv`, `results.json` and the figures of graded cells."""
    out.mkdir(parents=True, exist_ok=True)
    meta = meta_analyse(read_results([literature])) if literature else None
    body, values = results_body(out, cells, by=by, policy=policy, meta=meta, seed=seed)
    write_text(out / "report.md", report_markdown(title, body))
    write_text(out / "table.csv", next(one for one in body if isinstance(one, Table)).csv())
    write_json(out / "results.json", values)
    return body, values


def results_body(
    out: Path,
    cells: Sequence[Cell],
    *,
    by: GroupBy = "five",
    policy: Policy = "wrong",
    meta: MetaResult | None = None,
    seed: int = 0,
) -> tuple[Body, dict[str, Any]]:
    """Group table, figures, tests and notes of graded cells; figures go to `out`."""
    groups = group_table(cells, by)
    five = groups if by == "five" else group_table(cells, "five")
    rows = cell_tests([cell for cell in cells if cell.direct], policy=policy, seed=seed)
    body: Body = [
        group_rows(groups, f"Groups ({by})", rows if by == "five" else ()),
        _decides(groups),
        overview_figure(out / "fig1.png", five, meta),
        deltas_figure(out / "fig3.png", rows, "Gain of chain of thought by task"),
        cell_table(cells, policy),
        verdict(rows),
        mapping_table(positions(cells), "Answer positions (characters), tokens, cost"),
        *warnings(cells),
    ]
    values = results(cells, policy) | {
        "groups": groups,
        "significance": rows,
        "equals": _equals(cells),
    }
    return [part for part in body if part != ""], values


def _decides(groups: Sequence[dict[str, Any]]) -> str:
    """Where the credit of unparseable responses changes what one would conclude."""
    lines = []
    for row in groups:
        many = max(row["unparsed_direct"] or 0, row["unparsed_cot"] or 0) > 100 * MANY_UNPARSED
        if many and row["delta_wrong"] is not None:
            unparsed = f"{row['unparsed_direct']:.0f} % of the direct and "
            unparsed += f"{row['unparsed_cot']:.0f} % of the CoT responses are unparseable"
            gains = f"{row['delta_wrong']:+.1f} if they count as wrong, "
            gains += f"{row['delta_guess']:+.1f} as a guess, {row['delta_drop']:+.1f} without them"
            lines.append(f"{row['source']}, {row['group']}: {unparsed}; the gain is {gains}.")
    return "\n".join(lines)


def _equals(cells: Sequence[Cell]) -> dict[str, Any]:
    found = {}
    for source in dict.fromkeys(cell.source for cell in cells):
        own = [cell for cell in cells if cell.source == source and cell.direct and cell.cot]
        if own:
            split = [equals_split(equals_pairs(cell.direct, cell.cot)) for cell in own]
            found[source] = pooled(split).as_json()
    return found
