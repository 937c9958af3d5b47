"""Tables of results: cells, groups, categories, under each policy."""

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from ..inputs.task_registry import GROUPS, registry
from .pairs import Cell, cell_pairs
from .settings import GroupBy, Parts, Policy

# Above this share of unparseable responses both policies are shown side by side.
MANY_UNPARSED = 0.05


def cell_numbers(cell: Cell, policy: Policy = "wrong") -> dict[str, Any]:
    """One cell as `results.json` has it, in percent; None without a pair.

    Unparsed, truncated and refused responses are counted apart: a response may be several of them.
    """
    pairs = cell_pairs(cell, policy)
    n = len(pairs.ids)
    direct = 100 * float(pairs.direct.mean()) if n else None
    cot = 100 * float(pairs.cot.mean()) if n else None
    return {
        "n": n,
        "direct": direct,
        "cot": cot,
        "delta": None if direct is None or cot is None else cot - direct,
        "unparsed_direct": _share([not row.parsed for row in cell.direct]),
        "unparsed_cot": _share([not row.parsed for row in cell.cot]),
        "truncated_direct": _share([row.truncated for row in cell.direct]),
        "truncated_cot": _share([row.truncated for row in cell.cot]),
        "refused_direct": _share([row.refused for row in cell.direct]),
        "refused_cot": _share([row.refused for row in cell.cot]),
        "unpaired": cell.unpaired,
        "errored": cell.errored,
    }


def _share(flags: Sequence[bool]) -> float | None:
    return 100 * fmean(flags) if flags else None


def results(cells: Sequence[Cell], policy: Policy = "wrong") -> dict[str, Any]:
    """`results.json`: every cell by "<source>/<task>"."""
    return {
        "policy": policy,
        "tasks": {cell.name: cell_numbers(cell, policy) for cell in cells},
    }


def failures(cells: Sequence[Cell]) -> tuple[int, int]:
    """How many items failed, and of how many."""
    failed = sum(cell.errored for cell in cells)
    return failed, failed + sum(len(cell.direct) for cell in cells)


def joined_parts(cells: Sequence[Cell], parts: Parts) -> list[Cell]:
    """The cells with the parts of a data set merged, or as they are."""
    return merged_parts(cells) if parts == "merged" else list(cells)


def merged_parts(cells: Sequence[Cell]) -> list[Cell]:
    """Parts of one data set (LSAT, MuSR, ContextHub) pooled over their items."""
    pools: dict[tuple[str, str], list[Cell]] = defaultdict(list)
    for cell in cells:
        spec = registry().get(cell.task)
        pools[cell.source, spec.merge if spec and spec.merge else cell.task].append(cell)
    out = []
    for (source, task), parts in pools.items():
        first = parts[0]
        if len(parts) == 1:
            out.append(first)
            continue
        out.append(
            Cell(
                source,
                task,
                first.category,
                first.group,
                [row for part in parts for row in part.direct],
                [row for part in parts for row in part.cot],
                sum(part.unpaired for part in parts),
                sum(part.errored for part in parts),
            )
        )
    return out


def group_name(cell: Cell, by: GroupBy) -> str:
    """The group of a cell; "" for a cell that is in none."""
    if by == "five":
        return cell.group
    return cell.category if by == "meta" else cell.task


def group_table(cells: Sequence[Cell], by: GroupBy) -> list[dict[str, Any]]:
    """Rows of the paper's group table: unweighted means over a source's data sets.

    Both deltas are given, since the policy can decide the conclusion.
    """
    rows = []
    sources = list(dict.fromkeys(cell.source for cell in cells))
    for source in sources:
        own = [cell for cell in cells if cell.source == source and cell.direct]
        names = list(dict.fromkeys(group_name(cell, by) for cell in own))
        if by == "five":
            names = [name for name in GROUPS if name in names]
        for name in names:
            part = [cell for cell in own if group_name(cell, by) == name]
            if name:
                rows.append({"source": source, "group": name} | _group_numbers(part))
    return rows


def _group_numbers(cells: Sequence[Cell]) -> dict[str, Any]:
    wrong = [cell_numbers(cell, "wrong") for cell in cells]
    guess = [cell_numbers(cell, "guess") for cell in cells]
    drop = [cell_numbers(cell, "drop") for cell in cells]
    return {
        "tasks": len(cells),
        "n": sum(numbers["n"] for numbers in wrong),
        "direct": _mean(wrong, "direct"),
        "cot": _mean(wrong, "cot"),
        "delta_wrong": _mean(wrong, "delta"),
        "direct_guess": _mean(guess, "direct"),
        "cot_guess": _mean(guess, "cot"),
        "delta_guess": _mean(guess, "delta"),
        "delta_drop": _mean(drop, "delta"),
        "unparsed_direct": _mean(wrong, "unparsed_direct"),
        "unparsed_cot": _mean(wrong, "unparsed_cot"),
    }


def _mean(rows: Sequence[dict[str, Any]], name: str) -> float | None:
    values = [row[name] for row in rows if row[name] is not None]
    return fmean(values) if values else None


def positions(cells: Sequence[Cell]) -> list[dict[str, Any]]:
    """Where answers begin (characters), how long responses are, and what a point costs."""
    rows = []
    for cell in cells:
        row: dict[str, Any] = {"task": cell.name}
        for arm, part in (("direct", cell.direct), ("cot", cell.cot)):
            starts = [graded.position for graded in part if graded.position is not None]
            tokens = [graded.new_tokens for graded in part if graded.new_tokens is not None]
            row[f"position_{arm}"] = fmean(starts) if starts else None
            row[f"tokens_{arm}"] = fmean(tokens) if tokens else None
            row[f"truncated_{arm}"] = _share([graded.truncated for graded in part])
        delta = cell_numbers(cell)["delta"]
        row["tokens_per_point"] = None
        if delta and delta > 0 and None not in (row["tokens_cot"], row["tokens_direct"]):
            row["tokens_per_point"] = (row["tokens_cot"] - row["tokens_direct"]) / delta
        rows.append(row)
    return rows


def warnings(cells: Sequence[Cell]) -> list[str]:
    """What a reader should know before believing the table.

    The limits are the paper's: its direct answers begin within 60 characters, and at most 15 % of
    its responses are unparseable. A budget that cuts off many chains of thought makes them fail.
    """
    found = []
    for cell, position in zip(cells, positions(cells), strict=True):
        numbers = cell_numbers(cell)
        late = position["position_direct"]
        if late is not None and late > 60:
            found.append(f"{cell.name}: direct answers begin at character {late:.0f} on average")
        for arm in ("direct", "cot"):
            share = numbers[f"unparsed_{arm}"]
            if share is not None and share > 15:
                found.append(f"{cell.name}: {share:.0f} % of the {arm} responses are unparseable")
        cut = position["truncated_cot"]
        if cut is not None and cut > 20:
            found.append(f"{cell.name}: {cut:.0f} % of the CoT responses reach the token budget")
        if cell.unpaired:
            found.append(f"{cell.name}: {cell.unpaired} items have one arm only and count nowhere")
        total = len(cell.direct) + cell.errored
        if total and cell.errored / total > 0.01:
            found.append(f"{cell.name}: {cell.errored} of {total} items failed")
    return found
