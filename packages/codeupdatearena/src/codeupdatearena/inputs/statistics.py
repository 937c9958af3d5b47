"""The numbers that describe an arena, beside those of the paper's data tables."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

from tenpapers.paper import load_paper
from tenpapers.report import Table

from .arena import Arena


def count_tokens(text: str) -> int:
    """Count words and signs; the paper's tokenizer is not named, so its counts differ."""
    return len(re.findall(r"\w+|[^\w\s]", text))


def describe(arena: Arena) -> list[tuple[str, str]]:
    """Give the rows of the statistics table: name and value as text."""
    groups = arena.by_update()
    updates = [group[0].update for group in groups.values()]
    tests = [len(example.unit_tests) for example in arena.examples]
    rows = [
        ("functions", str(len({update.function_path for update in updates}))),
        ("updates", str(len(updates))),
        ("examples", str(len(arena.examples))),
        ("tests", str(sum(tests))),
        ("tests per example", f"{mean(tests):.2f} ({min(tests)} to {max(tests)})"),
    ]
    sizes = Counter(map(len, groups.values()))
    counts = ", ".join(f"{size}: {sizes[size]}" for size in sorted(sizes))
    rows.append(("examples per update", counts))
    for package, count in Counter(update.package for update in updates).most_common():
        rows.append((f"updates in {package}", f"{count} ({100 * count / len(updates):.0f}%)"))
    for kind, count in Counter(update.update_type for update in updates).most_common():
        rows.append((f"updates of type {kind}", str(count)))
    texts: dict[str, Sequence[str]] = {
        "description": [update.description for update in updates],
        "docstring": [update.docstring for update in updates],
        "implementation": [update.implementation for update in updates],
        "scenario": [example.scenario for example in arena.examples],
        "problem": [example.problem for example in arena.examples],
        "solution": [example.ref_solution for example in arena.examples],
    }
    for name, parts in texts.items():
        rows.append((f"tokens of {name}", f"{mean(map(count_tokens, parts)):.1f}"))
    return rows


def statistics_table(rows: Sequence[tuple[str, str]]) -> Table:
    """Put the rows of `describe` beside the values of the paper's data tables."""
    published = {}
    for number in load_paper("codeupdatearena").numbers:
        if number.id.startswith("data/"):
            percent = "%" if number.unit == "%" else ""
            published[number.id.removeprefix("data/")] = f"{number.value:g}{percent}"
    cells = [[name, value, published.get(name)] for name, value in rows]
    return Table("", ["", "here", "paper"], cells)


def draw(arena: Arena, path: Path) -> None:
    """Draw two pies: share of updates by package and by type."""
    from matplotlib.figure import Figure

    updates = [group[0].update for group in arena.by_update().values()]
    figure = Figure(figsize=(12, 5.5), layout="constrained")
    for axes, name, values in zip(
        figure.subplots(1, 2),
        ("package", "type"),
        ([u.package for u in updates], [u.update_type for u in updates]),
        strict=True,
    ):
        counts = Counter(values).most_common()
        axes.pie(
            [count for _, count in counts],
            labels=[f"{label} ({count})" for label, count in counts],
            textprops={"fontsize": 8},
        )
        axes.set_title(f"{len(updates)} updates by {name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
