"""The report on a set of outputs: tables, sentences, figures."""

from collections.abc import Sequence
from typing import Any

from tenpapers.journal import Journal
from tenpapers.records import write_json, write_jsonl, write_text
from tenpapers.report import Picture, Table, report_markdown

from ..literature import MetaResult, meta_analyse, read_results
from ..records import Graded
from ..scoring.cell_numbers import MANY_UNPARSED, group_table, positions, results, warnings
from ..scoring.cell_tests import cell_tests, verdict
from ..scoring.equals_sign import equals_by_task
from ..scoring.pairs import Cell
from ..scoring.settings import Policy, ReportSettings
from .figures import deltas_figure, overview_figure
from .tables import Body, cell_table, group_rows, mapping_table


def write_scores(
    journal: Journal, rows: Sequence[Graded], cells: Sequence[Cell], policy: Policy
) -> tuple[dict[str, Any], Table, str]:
    """Write `graded.jsonl` and `results.json`; what they say as values, table and notes."""
    values = results(cells, policy)
    write_jsonl(journal.file("graded.jsonl"), rows)
    write_json(journal.file("results.json"), values)
    notes = "\n".join(f"note: {line}" for line in warnings(cells))
    return values, cell_table(cells, policy), notes


def write_results(
    journal: Journal, cells: Sequence[Cell], settings: ReportSettings
) -> tuple[Body, dict[str, Any]]:
    """Write `report.md`, `table.csv`, `results.json` and the figures of graded cells."""
    meta = meta_analyse(read_results([settings.literature])) if settings.literature else None
    body, values = results_body(journal, cells, settings, meta)
    write_text(journal.file("report.md"), report_markdown("Direct answers and CoT", body))
    first = next(part for part in body if isinstance(part, Table))
    write_text(journal.file("table.csv"), first.csv())
    write_json(journal.file("results.json"), values)
    return body, values


def printable(body: Body) -> list[str | Table]:
    """The parts that a terminal can show: all but the pictures."""
    return [part for part in body if not isinstance(part, Picture)]


def results_body(
    journal: Journal,
    cells: Sequence[Cell],
    settings: ReportSettings,
    meta: MetaResult | None = None,
) -> tuple[Body, dict[str, Any]]:
    """Group table, figures, tests and notes of graded cells; figures go to the folder."""
    by, policy = settings.group, settings.unparseable or "wrong"
    groups = group_table(cells, by)
    five = groups if by == "five" else group_table(cells, "five")
    both = [cell for cell in cells if cell.direct]
    rows = cell_tests(both, policy=policy, seed=settings.seed)
    nowhere = sorted({cell.name for cell in both if not cell.group})
    body: Body = [
        group_rows(groups, f"Groups ({by})", rows if by == "five" else ()),
        f"In none of the five groups: {', '.join(nowhere)}." if nowhere and by == "five" else "",
        _decides(groups),
        overview_figure(journal.file("fig1.png"), five, meta),
        deltas_figure(journal.file("fig3.png"), rows, "Gain of chain of thought by task"),
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
    split = equals_by_task([cell for cell in cells if cell.direct and cell.cot])
    return {
        name.removesuffix("/all"): result.as_json()
        for name, result in split.items()
        if name.endswith("/all")
    }
