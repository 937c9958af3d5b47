"""The numbers of section 4.3 about an arena."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

from .arena import Arena

# Confirmed values of the paper's tables (section 4.3), by row.
PAPER = {
    "functions": "54",
    "updates": "161",
    "examples": "670",
    "tests per example": "6.3",
    "updates in math": "26%",
    "updates in numpy": "23%",
    "updates in re": "14%",
    "updates in torch": "14%",
    "updates in pandas": "12%",
    "updates in itertools": "8%",
    "updates in sympy": "2%",
    "tokens of description": "20.7",
    "tokens of docstring": "128.6",
    "tokens of implementation": "163.6",
    "tokens of scenario": "65.1",
    "tokens of problem": "73.6",
    "tokens of solution": "174.1",
}


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
    rows.append(("examples per update", ", ".join(f"{k}: {sizes[k]}" for k in sorted(sizes))))
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
    for name, values in texts.items():
        rows.append((f"tokens of {name}", f"{mean(map(count_tokens, values)):.1f}"))
    return rows


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
