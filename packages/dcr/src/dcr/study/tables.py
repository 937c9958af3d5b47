"""Numbers as tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from tenpapers.paper import Paper
from tenpapers.report import Table, Value

from .arms import DROP, ORACLE, ORACLE_CRITIC, ORACLE_DETECTOR, RANDOM


def main_table(arms: Mapping[str, Mapping[str, Any]]) -> Table:
    """Table A: every way of refining, means over the seeds."""
    columns = ["recipe", "restored", "clean intact", "balance", "lowest", "highest"]
    columns += ["detector's own delta, damaged", "detector's own delta, clean"]
    columns += ["ROUGE-L to the response", "word edits", "changed", "critiques"]
    rows: list[list[Value]] = []
    for name, arm in arms.items():
        balance = arm["balance"]
        row: list[Value] = [name]
        row += [arm[key]["mean"] for key in ("restored", "intact", "balance")]
        row += [_end(balance["low"], min), _end(balance["high"], max)]
        row += [arm[key] for key in ("delta_damaged", "delta_clean", "rouge", "edits", "changed")]
        row.append(arm["critiques"])
        rows.append(row)
    note = (
        "restored: a damaged sentence is again what it was, exactly; clean intact: a right one "
        "stays; balance: their mean; lowest and highest: ends of its 95% intervals over documents, "
        "on any seed. The detector's own score rises on clean sentences that were damaged: it "
        f"proves nothing of a recipe that it gates. {DROP} and {RANDOM} are the controls, "
        f"{ORACLE_DETECTOR}, {ORACLE_CRITIC} and {ORACLE} what each step could give at most."
    )
    return Table("Known errors in real sentences", columns, rows, note=note)


def _end(values: Sequence[float | None], pick: Any) -> float | None:
    known = [value for value in values if value is not None]
    return pick(known) if known else None


def difference_table(differences: Mapping[str, Sequence[Mapping[str, Any]]]) -> Table:
    """Differences in balance on the same sentences, one row a seed."""
    rows: list[list[Value]] = [
        [name, number + 1, cell["mean"], cell["low"], cell["high"]]
        for name, cells in differences.items()
        for number, cell in enumerate(cells)
    ]
    return Table("Differences in balance", ["arms", "seed", "difference", "low", "high"], rows)


def detector_table(known: Sequence[Mapping[str, Any]], natural: Mapping[str, Any]) -> Table:
    """The small detector on known errors of each seed, and on natural ones."""
    columns = ["errors", "sentences", "AUC", "low", "high", "balanced accuracy"]
    columns += ["paired accuracy", "flagged, wrong", "flagged, right"]
    keys = ("balanced_accuracy", "paired_accuracy", "flagged_damaged", "flagged_clean")
    rows: list[list[Value]] = [
        [
            f"injected, seed {number + 1}",
            2 * found["pairs"],
            found["auc"],
            found["low"],
            found["high"],
            *(found[key] for key in keys),
        ]
        for number, found in enumerate(known)
    ]
    for name, found in natural.items():
        row: list[Value] = [name, found["sentences"], found["auc"], found["low"], found["high"]]
        row += [found["balanced_accuracy"], None, found["flagged_wrong"], found["flagged_right"]]
        rows.append(row)
    note = "AUC: chance that a right sentence scores above a wrong one, of unseen documents."
    return Table("The lexical detector", columns, rows, note=note)


def critic_table(quality: Sequence[Mapping[str, Any]]) -> Table:
    """Critiques of flagged sentences that hold an error, on each seed."""
    columns = ["seed", "critiques", "of an error", "deny it", "span hits", "span F1", "fix right"]
    rows: list[list[Value]] = [
        [
            number + 1,
            found["critiques"],
            found["on_error"],
            found["no_error_rate"],
            found["span_hit"],
            found["span_f1"],
            found["fix_accuracy"],
        ]
        for number, found in enumerate(quality)
    ]
    note = (
        "The occlusion critic on what the detector flags; hits and fixes where there is an error."
    )
    return Table("Critiques", columns, rows, note=note)


def error_type_table(types: Mapping[str, Mapping[str, int]]) -> Table:
    """Error types of TofuEval's inconsistent sentences."""
    names = sorted({name for counts in types.values() for name in counts})
    rows: list[list[Value]] = [
        [name, *(counts.get(name, 0) for counts in types.values())] for name in names
    ]
    note = "A sentence may have several."
    return Table("Error types in TofuEval", ["type", *types], rows, note=note)


def tofueval_table(counts: Mapping[str, Mapping[str, Any]]) -> Table:
    """TofuEval's sentences and summaries."""
    columns = ["file", "documents", "summaries", "sentences", "inconsistent", "share"]
    rows: list[list[Value]] = [
        [
            name,
            found["documents"],
            found["summaries"],
            found["sentences"],
            found["inconsistent"],
            found["inconsistent"] / found["sentences"],
        ]
        for name, found in counts.items()
    ]
    return Table("TofuEval", columns, rows)


def models_table(recipes: Mapping[str, Mapping[str, Any]], paper: Paper) -> Table:
    """The four recipes with language models; the paper's numbers where they could be confirmed."""
    columns = ["recipe", "n", "changed", "rejected", "unparsed critiques", "failed"]
    columns += ["word edits", "ROUGE-L to the response", "delta AlignScore", "delta Likert"]
    columns += ["win", "tie", "loss", "model calls", "seconds"]
    columns += ["paper: first metric, L3-8B", "paper: second metric, L3-8B"]
    rows: list[list[Value]] = []
    for name, summary in recipes.items():
        metrics, counts = summary["metrics"], summary["counts"]
        pair = metrics.get("pairwise", {})
        row: list[Value] = [name, summary["n"], counts["changed"], counts["rejected"]]
        row += [counts["critiques_unparsed"], summary["failed"]]
        row += [metrics.get("edits", {}).get("edits"), metrics.get("rouge", {}).get("between")]
        row += [metrics.get(metric, {}).get("delta") for metric in ("alignscore", "likert")]
        row += [pair.get(side) for side in ("win", "tie", "loss")]
        row += [summary["calls"], summary["seconds"]]
        for which in ("first", "second"):
            known = paper.confirmed(f"Llama-3-8B-Instruct/{which}") if name == "dcr" else None
            row.append(known)
        rows.append(row)
    return Table("Recipes with language models", columns, rows)


def claims_table(claims: Sequence[Mapping[str, Any]], paper: Paper) -> Table:
    """Every claim with its verdict."""
    said = {claim.id: claim.sentence for claim in paper.claims}
    rows = [[said[one["id"]], one["verdict"], one["evidence"]] for one in claims]
    return Table("Claims", ["claim", "verdict", "evidence"], rows)
