"""Numbers as tables."""

from collections.abc import Mapping
from typing import Any

from tenpapers.report import Table, Value


def metrics_table(results: Mapping[str, Mapping[str, Any]], title: str, note: str = "") -> Table:
    """One row a data set, a column a metric that was measured; shares in percent."""
    columns: dict[str, None] = {"data set": None, "n": None}
    rows = []
    for name, found in results.items():
        row = {"data set": name, "n": found["n"]} | metric_cells(found)
        columns |= dict.fromkeys(row)
        rows.append(row)
    cells = [[row.get(column) for column in columns] for row in rows]
    return Table(title, list(columns), cells, note)


def metric_cells(found: Mapping[str, Any]) -> dict[str, Value]:
    """The cells of one set."""
    cells: dict[str, Value] = {}
    for n, value in found.get("self_bleu", {}).items():
        cells[f"Self-BLEU-{n}"] = 100 * value
    if "entity_entropy" in found:
        types = found["entity_entropy"].values()
        mean = sum(one["entropy_bits"] for one in types) / len(types) if types else None
        cells["entity entropy (bits)"] = found.get("entity_entropy_mean", mean)
    if "entity_recall" in found:
        share = found["entity_recall"]["distinct"]
        cells["entity recall"] = None if share is None else 100 * share
    if "mauve" in found:
        scaling = found["mauve"]["scaling"]
        cells[f"MAUVE (factor {scaling:g})"] = 100 * found["mauve"]["value"]
    if "label_preservation" in found:
        cells["label preservation"] = 100 * found["label_preservation"]["accuracy"]
    if "length" in found:
        cells["characters"] = found["length"]["mean"]
        cells["words"] = found["length"]["words"]["mean"]
    if "cosine" in found:
        table = found["cosine"]["labels"]
        cells["cosine within"] = sum(table[a][a] for a in table) / len(table)
        others = [table[a][b] for a in table for b in table if a != b]
        if others:
            cells["cosine across"] = sum(others) / len(others)
    return cells


def entity_table(results: Mapping[str, Mapping[str, Any]]) -> Table:
    """Entropy of every entity type of every set."""
    kinds = sorted({kind for found in results.values() for kind in found["entity_entropy"]})
    rows: list[list[Value]] = [
        [
            kind,
            *(
                found["entity_entropy"].get(kind, {}).get("entropy_bits")
                for found in results.values()
            ),
        ]
        for kind in kinds
    ]
    return Table("Entity entropy (bits)", ["type", *results], rows)
