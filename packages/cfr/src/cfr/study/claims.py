"""What the study says about each claim of the paper, computed from its numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

from tenpapers.paper import Paper, Verdict, judged

from .measures import Cell

Found = tuple[Verdict, str]
# Fewer claims with verdicts than this tell nothing of a few points.
ENOUGH_CLAIMS = 100


def judge(
    paper: Paper,
    *,
    differences: Mapping[str, Mapping[str, Cell]],
    signals: Mapping[str, int],
    models: Mapping[str, Any],
    base: str,
) -> list[dict[str, Any]]:
    """Every claim of the paper with its verdict.

    Parameters
    ----------
    differences : by comparison (`CFR - B4`, `CFR - C1`, each also `transfer: `) and by pool the
        difference in hit@1 on the same queries.
    signals : positives that each signal named in training.
    models : by system what reader and judge made of its passages.
    base : the untuned encoder's row.
    """
    return judged(
        paper,
        {
            "veracity-gain": _veracity(models, base),
            "relevance-gain": _relevance(differences, base),
            "transfer": _transfer(differences, base),
            "several-signals": _signals(differences, signals, base),
        },
    )


def above(cell: Cell | None) -> bool:
    """Whether a difference's whole interval lies above 0."""
    return cell is not None and cell["low"] is not None and cell["low"] > 0


def below(cell: Cell | None) -> bool:
    """Whether a difference's whole interval lies below 0."""
    return cell is not None and cell["high"] is not None and cell["high"] < 0


def told(cell: Cell | None) -> str:
    """A difference in words."""
    if cell is None or cell["mean"] is None:
        return "not measured"
    if cell["low"] is None:
        return f"{cell['mean']:+.3f}"
    return f"{cell['mean']:+.3f} ({cell['low']:+.3f} to {cell['high']:+.3f})"


def _veracity(models: Mapping[str, Any], base: str) -> Found:
    ours, theirs = models.get("CFR"), models.get(base)
    if not ours or not theirs:
        return "not testable here", "No reader and no judge was asked."
    a, b = ours["veracity"], theirs["veracity"]
    words = (
        f"Accuracy {a['accuracy']:.3f} with the tuned encoder's passages, {b['accuracy']:.3f} with "
        f"{base}'s, {a['n']} claims"
    )
    if a["n"] < ENOUGH_CLAIMS:
        return "not testable here", f"{words}: too few to tell."
    return ("shown" if a["accuracy"] > b["accuracy"] else "not shown"), f"{words}."


def _relevance(differences: Mapping[str, Mapping[str, Cell]], base: str) -> Found:
    """Shown where the gain is there beside both comparisons, and is more than style."""
    over_base = differences.get(f"CFR - {base}", {})
    over_control = differences.get("CFR - C1", {})
    if not over_base:
        return "not testable here", "Nothing was trained."
    full, *balanced = over_base
    gained = above(over_base[full]) and above(over_control.get(full))
    kept = all(above(over_base[view]) for view in balanced)
    parts = [
        f"{view}: {told(cell)} over {base}, {told(over_control.get(view))} over the control C1"
        for view, cell in over_base.items()
    ]
    evidence = f"hit@1 of CFR with its interval over claims, {'; '.join(parts)}."
    for name, pools in differences.items():
        if name.startswith("A1") and "trained on" in name:
            parts = [f"{view} {told(cell)}" for view, cell in pools.items()]
            evidence += f" {name}: {'; '.join(parts)}."
    if gained and not kept:
        evidence += " Where style tells nothing there is no gain: it is not told apart from style."
    return ("shown" if gained and kept else "not shown"), evidence


def _transfer(differences: Mapping[str, Mapping[str, Cell]], base: str) -> Found:
    over_base = differences.get(f"transfer: CFR - {base}", {})
    if not over_base:
        return "not testable here", "Nothing was trained, or no other set was at hand."
    parts = [f"{view}: {told(cell)}" for view, cell in over_base.items()]
    evidence = (
        f"hit@1 of CFR over {base} without further training, {'; '.join(parts)}. The synthetic set "
        "is ours; FEVER, ClaimDecomp and HotpotQA are not in this study."
    )
    if not all(above(cell) for cell in over_base.values()):
        return "not shown", evidence
    return "not testable here", evidence


def _signals(
    differences: Mapping[str, Mapping[str, Cell]], signals: Mapping[str, int], base: str
) -> Found:
    """Shown where every signal named positives and what they train together gains by itself."""
    over_base = differences.get(f"CFR - {base}", {})
    over_control = differences.get("CFR - C1", {})
    if not over_base:
        return "not testable here", "Nothing was trained."
    named = ", ".join(f"{name} {count}" for name, count in signals.items())
    full = next(iter(over_base))
    evidence = (
        f"Positives by signal: {named}. hit@1 of the union on {full}: {told(over_base[full])} over "
        f"{base}, {told(over_control.get(full))} over the control C1."
    )
    silent = [name for name, count in signals.items() if not count]
    if silent:
        return "not testable here", f"{evidence} No positive: {', '.join(silent)}."
    harmed: Sequence[str] = [view for view, cell in over_base.items() if below(cell)]
    if harmed:
        evidence += f" It loses on: {', '.join(harmed)}."
    gained = above(over_base[full]) and above(over_control.get(full)) and not harmed
    return ("shown" if gained else "not shown"), evidence
