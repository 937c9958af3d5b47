"""What the study says about each claim of the paper, computed from its numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

from tenpapers.paper import Paper, Verdict, judged

from .arms import DCR, DROP, FEED, NOTHING, RANDOM, SPAN_ONLY
from .measures import Cell

Found = tuple[Verdict, str]
# Fewer responses tell nothing of two recipes.
ENOUGH = 100
# Metrics that no detector shares, by which recipes of models are told apart.
INDEPENDENT = ("alignscore", "likert", "pairwise")
_OURS = (
    "known errors in FaithBench's sentences, critic by occlusion and edits without a language model"
)


def judge(
    paper: Paper,
    *,
    differences: Mapping[str, Sequence[Cell]],
    recipes: Mapping[str, Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """Every claim of the paper with its verdict.

    Parameters
    ----------
    differences : by `ours - theirs` the difference in balance on the same sentences, one a seed.
    recipes : by recipe the summary of what models refined.
    """
    return judged(
        paper,
        {
            "three-steps-beat-end-to-end": _end_to_end(recipes),
            "detection-is-a-step-of-its-own": _against(differences, (FEED, RANDOM), (NOTHING,)),
            "fine-grained-critiques-help": _against(differences, (RANDOM, DROP, SPAN_ONLY)),
            "trained-for-factuality": (
                "not testable here",
                "Needs fine-tuned critics of 7B and Shepherd and UltraCM of 13B; `dcr train "
                "critique` and `--critic shepherd` run them.",
            ),
            "models-of-every-size": (
                "not testable here",
                "One model runs here; `dcr reproduce --scale paper --critic M --refiner M` runs "
                "each size.",
            ),
        },
    )


def told(cells: Sequence[Cell]) -> str:
    """A difference on each seed, with its interval."""
    return ", ".join(
        f"{cell['mean']:+.3f}"
        + (f" ({cell['low']:+.3f} to {cell['high']:+.3f})" if cell["low"] is not None else "")
        for cell in cells
    )


def above(cells: Sequence[Cell]) -> bool:
    """Whether a difference's whole interval lies above 0 on every seed, of which there are two."""
    return len(cells) > 1 and all(cell["low"] is not None and cell["low"] > 0 for cell in cells)


def _against(
    differences: Mapping[str, Sequence[Cell]], others: Sequence[str], beside: Sequence[str] = ()
) -> Found:
    """Shown where DCR's balance is above that of all `others`, on every seed.

    Parameters
    ----------
    beside : arms that the claim does not speak of, and that a reader should know of.
    """
    found = {name: differences.get(f"{DCR} - {name}", ()) for name in (*others, *beside)}
    if not all(found.values()):
        return "not testable here", "Not measured."
    parts = [f"over {name}: {told(cells)}" for name, cells in found.items()]
    n = found[others[0]][0]["n"]
    evidence = f"Balance of DCR on each seed, {'; '.join(parts)}; {n} pairs, {_OURS}."
    return ("shown" if all(above(found[name]) for name in others) else "not shown"), evidence


def _end_to_end(recipes: Mapping[str, Mapping[str, Any]]) -> Found:
    ours, theirs = recipes.get("dcr"), recipes.get("direct")
    if not ours or not theirs:
        return "not testable here", "No language model refined end to end here."
    metrics = [m for m in INDEPENDENT if m in ours["metrics"] and m in theirs["metrics"]]
    if ours["n"] < ENOUGH or not metrics:
        return (
            "not testable here",
            f"Models refined {ours['n']} responses, scored by "
            f"{', '.join(metrics) or 'nothing that is independent of the detector'}: too little.",
        )
    gains = {m: (ours["metrics"][m], theirs["metrics"][m]) for m in metrics}
    words = "; ".join(f"{m}: DCR {_gain(a)}, Direct {_gain(b)}" for m, (a, b) in gains.items())
    clear = all(
        a["low"] is not None and b["high"] is not None and a["low"] > b["high"]
        for a, b in gains.values()
    )
    evidence = f"Deltas over {ours['n']} responses, {words}."
    return ("shown" if clear else "not shown"), evidence


def _gain(delta: Mapping[str, Any]) -> str:
    if delta["delta"] is None:
        return "n/a"
    if delta["low"] is None:
        return f"{delta['delta']:+.3f}"
    return f"{delta['delta']:+.3f} ({delta['low']:+.3f} to {delta['high']:+.3f})"
