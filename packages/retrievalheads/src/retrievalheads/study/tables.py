"""What the commands print."""

from collections.abc import Sequence
from typing import Any

from tenpapers.report import Table, Value

from ..heads.head_sets import ranked
from ..heads.score_files import HeadScores

SHOWN = 10


def heads_text(scores: HeadScores) -> str:
    """Counts at both cuts, the best heads, and how stable the list is."""
    mean = scores.mean
    total = int((~mean.isnan()).sum())
    rows: list[list[Value]] = [
        [f"{layer}-{head}", score] for layer, head, score in ranked(scores)[:SHOWN]
    ]
    skipped = ", ".join(f"{count} {reason}" for reason, count in scores.skipped.items())
    note = (
        f"{int((mean >= 0.1).sum())} of {total} heads score at least 0.1, "
        f"{int((mean > 0).sum())} over 0; {len(scores.per_example)} examples used"
        + (f", skipped: {skipped}" if skipped else "")
        + _left_out(scores)
        + f"; split-half recall at 0.1: {_number(scores.split_half_recall())}"
    )
    return Table(f"Retrieval heads of {scores.model}", ["head", "score"], rows, note).text()


def _left_out(scores: HeadScores) -> str:
    """How many steps no head could hit."""
    steps, uncounted = (scores.options.get(name, 0) for name in ("steps", "steps_left_out"))
    if not uncounted:
        return ""
    return f"; {uncounted} of {steps} steps do not count: the evidence lacks their token"


def _number(value: float | None) -> str:
    return "n/a" if value is None or value != value else f"{value:.3f}"


def comparison_text(found: dict[str, Any]) -> str:
    """The overlap of two head sets and where their heads are."""
    rows = [
        [name, found[name]]
        for name in (
            "n_ref",
            "n_other",
            "n_both",
            "n_ref_only",
            "n_other_only",
            "n_ref_over_0",
            "n_other_over_0",
            "recall",
            "precision",
            "jaccard",
            "cosine",
            "spearman",
        )
    ]
    table = Table("Heads of both", ["", "value"], rows).text()
    rules = Table(
        "At every cut",
        ["cut", "ref", "other", "both", "recall", "precision", "Jaccard"],
        [
            [name, r["n_ref"], r["n_other"], r["n_both"], r["recall"], r["precision"], r["jaccard"]]
            for name, r in found["rules"].items()
        ],
    ).text()
    layers = [
        f"layer {layer:3d}: {a:3d} {b:3d}"
        for layer, (a, b) in enumerate(
            zip(found["per_layer_ref"], found["per_layer_other"], strict=True)
        )
        if a or b
    ]
    return "\n".join([table, "", rules, "", "heads a layer (ref, other):", *layers])


def similarity_table(rows: Sequence[dict[str, Any]]) -> Table:
    """A line a pair of score files."""
    lines = [[row["a"], row["b"], row["cosine"], row["jaccard"]] for row in rows]
    return Table("Similarity of heads", ["file", "other", "cosine", "Jaccard"], lines)


def metrics_text(metrics: dict[str, Any]) -> str:
    """Means with their intervals."""
    rows = []
    for name, value in metrics.items():
        if name == "n" or name.endswith("_interval"):
            continue
        low, high = metrics.get(f"{name}_interval", (None, None))
        rows.append([name, value, low, high])
    return Table(
        f"{metrics['n']} examples", ["metric", "mean", "95 % low", "95 % high"], rows
    ).text()


def knockout_table(rows: Sequence[dict[str, Any]], n: int, title: str = "Knockout") -> Table:
    """The top k against the mean of the random controls, with signed differences to k = 0."""
    metric = "f1" if rows and rows[0]["per_example_f1"] else "accuracy"
    base = next((row[metric] for row in rows if row["k"] == 0), float("nan"))
    lines = []
    for k in sorted({row["k"] for row in rows}):
        top = [row[metric] for row in rows if row["k"] == k and row["arm"] == "top"]
        random = [row[metric] for row in rows if row["k"] == k and row["arm"] == "random"]
        mean = sum(random) / len(random) if random else None
        lines.append(
            [k, top[0], top[0] - base, mean, None if mean is None else mean - base, len(random)]
        )
    name = "F1" if metric == "f1" else "token accuracy"
    return Table(
        f"{title}: {name}",
        ["k", "top k off", "change", "random k off", "change of random", "seeds"],
        lines,
        f"{n} examples; changes are to k = 0, with their sign.",
    )


def _target(study: dict[str, Any]) -> str:
    seed = f", seed {study['seed']}" if "seed" in study else ""
    return f"{study.get('name', 'target')}{seed}"


def patch_table(studies: Sequence[dict[str, Any]]) -> Table:
    """F1 of the arms of one or more targets."""
    arms = ("original", "complement", "intersection", "random")
    rows = []
    for study in studies:
        found = study["arms"]
        rows.append(
            [
                _target(study),
                *(found[arm]["f1"] for arm in arms),
                *(found[arm]["n_heads"] for arm in arms[1:]),
                study["n"],
            ]
        )
    return Table(
        "Patching: F1",
        ["target", *arms, "heads compl.", "heads inter.", "heads random", "n"],
        rows,
        "Activations of the real-trained adapter in heads of the target; n/a: that set is empty.",
    )
