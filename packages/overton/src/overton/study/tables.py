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
    "jaccard_max": "Jaccard, most alike pair",
    "length_difference": "words, mean difference",
    "distinct_prefixes": "distinct beginnings",
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


def study_table(tree: Tree, datasets: Sequence[str], paper: Paper) -> Table:
    """Quality, stances, diversity and missing information side by side, of every judged model.

    Parameters
    ----------
    tree : numbers as in `results.json`.
    datasets : the set of open-ended questions, and the contested one.
    """
    open_ended, contested = datasets
    lexical, quality = tree["lexical"], tree["quality"]
    judged = {name.partition(":")[2] for name in quality} | {*tree["stance"]}
    judged |= {*tree["missing_topics"]}
    known = [name for dataset in datasets for name in lexical.get(dataset, {}) if name in judged]
    columns = ["model", "Jaccard, open", "first 50 words", "words", "quality, open"]
    columns += ["mean missing", "quality, contested", "entropy (bits)", "D", "O"]
    columns += ["paper: Jaccard, open", "paper: D", "paper: O"]
    rows: list[list[Value]] = []
    for name in dict.fromkeys([*known, *sorted(judged)]):
        words = lexical.get(open_ended, {}).get(name, {})
        stance = tree["stance"].get(name, {})
        first = tree[f"jaccard_first_L_tokens_{open_ended}"].get(name, {})
        rows.append(
            [
                name,
                words.get("jaccard"),
                first.get("50"),
                words.get("words"),
                quality.get(f"{open_ended}:{name}", {}).get("mean"),
                tree["missing_topics"].get(name, {}).get("mean"),
                quality.get(f"{contested}:{name}", {}).get("mean"),
                stance.get("entropy_bits"),
                stance.get("yes_and_no"),
                share(stance.get("both", 0), stance.get("n", 0)),
                paper.confirmed(f"{open_ended}/{name}/jaccard"),
                *(
                    paper.confirmed(f"{contested}/{name}/{key}")
                    for key in ("yes_and_no", "overton")
                ),
            ]
        )
    note = (
        "Jaccard: similarity among a model's samples, the higher, the less diverse. Quality: mean "
        "of five aspects, 1 to 5. Missing: how much the aligned answer lacks, 1 to 5. D: share of "
        "questions whose samples say yes and no; O: share of responses that present both sides. "
        "The paper's are of all questions, ours of those in the folder."
    )
    return Table("The study at a glance", columns, rows, note=note)


def share(part: int, whole: int) -> float | None:
    """A part of a whole; None of nothing."""
    return part / whole if whole else None


def single_note(models: Sequence[SampleSet]) -> str:
    """Which models have one response a question and thus no diversity; "" for none."""
    single = [one.model for one in models if not any(one.usable(at_least=2))]
    if not single:
        return ""
    return (
        f"One response a question, so no diversity: {', '.join(single)}. Samples of one question "
        "are rows of one question id, or of one prompt."
    )


def endings_table(models: Sequence[SampleSet]) -> Table:
    """How samples ended: what failed, what was cut off, what a fence closed."""
    return Table(
        "How the samples ended",
        [
            "model",
            "samples",
            "failed",
            "refused",
            "filtered",
            "closed by a fence",
            "unfinished",
            "share unfinished",
        ],
        [
            [
                one.model,
                sum(map(len, one.endings)),
                one.count("error"),
                one.count("refused"),
                one.count("filtered"),
                one.fenced,
                one.unfinished,
                share(one.unfinished, sum(map(len, one.endings)) - one.failed),
            ]
            for one in models
        ],
        note=(
            "Unfinished: cut off by the token limit. Servers say so; of a model that ends most of "
            "its answers with a code fence, those without one are. Failed ones are in no measure."
        ),
    )


def unread_sentence(unread: Mapping[str, Mapping[str, int]]) -> str:
    """Which verdicts could not be read, and are in no number; "" where all could."""
    parts = [
        f"{name}: {', '.join(f'{count} {status}' for status, count in counts.items())}"
        for name, counts in unread.items()
        if counts
    ]
    return f"Verdicts that are in no number: {'; '.join(parts)}." if parts else ""


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
            "share of responses that present both sides themselves (Overton pluralism). D and "
            "entropy rise with the number of samples judged: compare models of the same n."
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
    sources = ("A", "B", "both")
    columns += [f"{what} {source}" for what in ("topics", "helpfulness") for source in sources]
    columns += ["B covered", "unread"]
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
                *(topics.get(source) for source in sources),
                *(helps.get(source) for source in sources),
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
