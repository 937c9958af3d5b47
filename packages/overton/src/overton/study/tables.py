"""The tables of the study and of an analysis."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tenpapers.paper import Paper
from tenpapers.report import Table, Value

from ..records import ASPECTS, STANCES, SampleSet

if TYPE_CHECKING:
    import pandas

Tree = Mapping[str, Any]

# Names of the columns of measures whose keys are not plain.
_NAMES = {
    "content_types": "content words, distinct",
    "union_types": "of all samples together",
    "jaccard": "Jaccard",
    "jaccard_all_words": "Jaccard, all words",
    "distinct1": "distinct-1",
    "distinct2": "distinct-2",
    "entropy_bits": "entropy (bits)",
    "distinct": "distinct stances",
    "yes_and_no": "D: yes and no",
    "any_both": "any both",
    "cos": "cosine",
    "rougeL": "ROUGE-L",
    "bertscore": "BERTScore",
}


def named(measure: str) -> str:
    """Name of a measure in a table."""
    return _NAMES.get(measure, measure)


def diversity_table(
    title: str,
    models: Tree,
    *,
    more: Mapping[str, Tree] | None = None,
    paper: Paper | None = None,
    prefix: str = "",
) -> Table:
    """Diversity and length, one row a model.

    Parameters
    ----------
    models : `lexical_diversity` of each.
    more : further columns by model.
    paper : its numbers stand beside ours under `prefix/MODEL/jaccard`.
    """
    first: Tree = next(iter(models.values()), {})
    further = list(next(iter((more or {}).values()), {}))
    published = (
        {name: paper.confirmed(f"{prefix}/{name}/jaccard") for name in models} if paper else {}
    )
    shown = any(value is not None for value in published.values())
    columns = ["model", *map(named, first), *further]
    rows: list[list[Value]] = []
    for name, row in models.items():
        extra = (more or {}).get(name, {})
        rows.append([name, *row.values(), *(extra.get(column) for column in further)])
        if shown:
            rows[-1].append(published[name])
    return Table(
        title,
        [*columns, "paper: Jaccard"] if shown else columns,
        rows,
        note="Jaccard: the higher, the less diverse; longer texts raise it on their own.",
    )


def endings_table(models: Sequence[SampleSet]) -> Table:
    """How samples ended: what failed, what was cut off, what a fence closed."""
    return Table(
        "How the samples ended",
        ["model", "samples", "failed", "refused", "filtered", "token limit", "closed by a fence"],
        [
            [
                one.model,
                sum(map(len, one.texts)),
                one.count("error"),
                one.count("refused"),
                one.count("filtered"),
                one.count("length"),
                one.fenced,
            ]
            for one in models
        ],
        note=(
            "A base model closes its answer with a code fence; where most of its answers end so, "
            "the others hit the token limit. Failed samples are no answers and in no measure."
        ),
    )


def stance_table(models: Tree, paper: Paper | None = None) -> Table:
    """Stances of each model: counts, O (share of both), entropy, D."""
    columns = [
        "model",
        "n",
        *STANCES,
        "O: both",
        *(named(key) for key in ("entropy_bits", "distinct", "yes_and_no", "any_both")),
    ]
    published = {
        name: [paper.confirmed(f"ConflictingQA/{name}/{key}") for key in ("overton", "yes_and_no")]
        for name in models
        if paper
    }
    shown = any(value is not None for values in published.values() for value in values)
    rows: list[list[Value]] = []
    for name, row in models.items():
        share = row["both"] / row["n"] if row["n"] else None
        counts = [row["n"], *(row[stance] for stance in STANCES)]
        rest = [row[key] for key in ("entropy_bits", "distinct", "yes_and_no", "any_both")]
        rows.append([name, *counts, share, *rest, *(published[name] if shown else [])])
    return Table(
        "Stances",
        [*columns, "paper: O", "paper: D"] if shown else columns,
        rows,
        note=(
            "D: share of questions whose samples say yes and no (distributional pluralism). O: "
            "share of responses that present both sides themselves (Overton pluralism)."
        ),
    )


def quality_table(models: Tree) -> Table:
    """Mean scores of five aspects, 1 to 5."""
    return Table(
        "Quality (judged, 1 to 5)",
        ["model", "n", "N/A", *ASPECTS, "mean"],
        [
            [name, row["n"], row["na"], *(row[aspect] for aspect in ASPECTS), row["mean"]]
            for name, row in models.items()
        ],
        note="Models whose n differ were judged on different numbers of samples.",
    )


def missing_table(models: Tree) -> Table:
    """What the reference lacks of each alternative, and whose topics are how helpful."""
    columns = ["alternative", "n", "mean missing", "scores 1 to 5", "redundant share"]
    columns += ["topics A", "B", "both", "helpfulness A", "B", "both", "B covered", "unread"]
    rows: list[list[Value]] = []
    for name, row in models.items():
        topics, helps = row.get("topics") or {}, row.get("help") or {}
        rows.append(
            [
                name,
                row.get("n"),
                row.get("mean"),
                "/".join(map(str, row.get("hist", []))),
                row.get("redundant_share"),
                *(topics.get(source) for source in ("A", "B", "both")),
                *(helps.get(source) for source in ("A", "B", "both")),
                row.get("B_covered_micro"),
                row.get("topic_parse_failures"),
            ]
        )
    return Table(
        "Information that the reference lacks",
        columns,
        rows,
        note="A: only the reference speaks of a topic; B: only the alternative.",
    )


def coverage_table(pairs: Tree, control: Mapping[str, float | None] | None = None) -> Table:
    """How much of a base model's samples one aligned answer holds.

    Parameters
    ----------
    control : by pair the share of a base sample's words in the aligned answer to another question.
    """
    columns = ["aligned > base", "of one sample", "in 1+", "in 2+", "in 3+"]
    columns += ["aligned words", "union of all", "sample equivalents"]
    rows: list[list[Value]] = []
    for name, row in pairs.items():
        union = row["union_sizes"]
        rows.append(
            [
                name,
                row["each"],
                *(row[f"words_in_ge{t}"][0] for t in (1, 2, 3)),
                row["ref_types"],
                union[-1] if union else None,
                row["sample_equivalents"],
            ]
        )
        if control is not None:
            rows[-1].append(control.get(name))
    return Table(
        "Coverage: content words of base samples in one aligned answer",
        [*columns, "control: another question"] if control is not None else columns,
        rows,
        note=(
            "Sample equivalents: how many base samples have as many content words together as one "
            "aligned answer; n/a where all of them have fewer."
        ),
    )


def similarity_table(frame: "pandas.DataFrame") -> Table:
    """Similarity to references, one row an alternative and metric; see `similarity_report`."""
    columns = {
        "reference": "reference",
        "alternative": "alternative",
        "metric": "metric",
        "pairs": "pairs",
        "mean": "mean",
        "best_of_k": "best of k",
        "ceiling": "ceiling",
        "gap_closed": "gap closed",
        "minus_ceiling": "minus ceiling",
        "low": "95 % from",
        "high": "to",
    }
    rows = []
    for record in frame.to_dict("records"):
        values = [_plain(record.get(key)) for key in columns]
        values[1] = f"{values[1]} (ceiling)" if record.get("is_ceiling") else values[1]
        values[2] = named(str(values[2]))
        rows.append(values)
    return Table(
        "Similarity to a reference",
        list(columns.values()),
        rows,
        note=(
            "Pairs: the reference's sample 0 with every sample of the alternative; of the "
            "reference itself without its sample 0. Gap closed: 0 is the base model, 1 the ceiling."
        ),
    )


def _plain(value: Any) -> Value:
    if value is None or value != value:
        return None
    return value.item() if hasattr(value, "item") else value


def quality_control_table(models: Tree) -> Table:
    """Jaccard and news as the demand for helpfulness grows."""
    rows: list[list[Value]] = []
    for name, row in models.items():
        for t in row["jaccard_from"]:
            rows.append(
                [
                    name,
                    int(t),
                    row["samples_from"][t],
                    row["jaccard_from"][t],
                    row["missing_by"][t],
                ]
            )
    return Table(
        "Diversity and news by helpfulness",
        ["model", "helpfulness t", "samples from t", "Jaccard from t", "mean missing at t"],
        rows,
        note="Jaccard that rises with t: part of the diversity was of no help.",
    )
