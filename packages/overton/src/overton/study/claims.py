"""What the recorded outputs say about each claim of the paper, computed from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tenpapers.paper import Paper, Verdict, judged

from ..scoring.gap import difference_to
from ..scoring.similarity import Similarity

Found = tuple[Verdict, str]
Tree = Mapping[str, Any]

# One answer covers what several say: so many base samples at least.
SEVERAL = 2.0
# Useful information is suppressed where more than so many base samples are helpful and new.
SUPPRESSED = 0.1
BASE, ALIGNED = "llama-2-base", "llama-2-chat"
ABSENT: Found = ("not testable here", "The files that it needs are not in the folder.")


@dataclass(frozen=True)
class Evidence:
    """All that the claims are judged by.

    Parameters
    ----------
    tree : numbers as in `results.json`.
    quality_control : of the base model.
    shuffled : by pair the coverage by the aligned answer to another question.
    similarities : of every run to every reference.
    seeds : of the bootstrap; an interval must say the same on each.
    """

    tree: Tree
    quality_control: Tree | None
    shuffled: Mapping[str, float | None]
    similarities: Sequence[Similarity]
    draws: int
    seeds: tuple[int, int]


def judge(paper: Paper, found: Evidence) -> list[dict[str, Any]]:
    """Every claim of the paper with its verdict."""
    return judged(
        paper,
        {
            "alignment-lowers-diversity": _lower_diversity(found.tree),
            "diversity-was-partly-junk": _junk(found),
            "aligned-answers-aggregate": _aggregates(found),
            "little-useful-is-lost": _lost(found),
            "from-distributional-to-overton": _overton(found.tree),
            "examples-close-part-of-the-gap": _examples(found.tree),
            "hints-reach-the-ceiling": _ceiling(found),
        },
    )


def _lower_diversity(tree: Tree) -> Found:
    models = tree["lexical"].get("LIMA-OE", {})
    beginnings = tree["jaccard_first_L_tokens_LIMA-OE"]
    pairs = [(BASE, ALIGNED), ("mistral", "mistral-instruct")]
    known = [(a, b) for a, b in pairs if a in models and b in models]
    if not known:
        return ABSENT
    rises, words = [], []
    for base, aligned in known:
        whole = models[base]["jaccard"], models[aligned]["jaccard"]
        same_length = beginnings[base]["50"], beginnings[aligned]["50"]
        if None in (*whole, *same_length):
            return ABSENT
        rises.append(whole[1] > whole[0] and same_length[1] > same_length[0])
        words.append(
            f"{base} {whole[0]:.3f}, {aligned} {whole[1]:.3f} (first 50 words {same_length[0]:.3f} "
            f"and {same_length[1]:.3f})"
        )
    verdict: Verdict = "shown" if all(rises) else "not shown"
    return verdict, f"Jaccard among a model's samples on LIMA-OE: {'; '.join(words)}."


def _junk(found: Evidence) -> Found:
    control = found.quality_control
    if control is None:
        return ABSENT
    by = [(t, value) for t, value in control["jaccard_from"].items() if value is not None]
    topics = found.tree["missing_topics"].get(BASE, {}).get("help")
    if len(by) < 2 or not topics or None in topics.values():
        return ABSENT
    rises = all(low[1] < high[1] for low, high in pairwise(by))
    least = topics["B"] < min(topics["A"], topics["both"])
    steps = ", ".join(f"{value:.4f} (t = {t})" for t, value in by)
    return (
        "shown" if rises and least else "not shown",
        f"Jaccard among base samples with helpfulness t or more: {steps}; topics that only the "
        f"base model raises have mean helpfulness {topics['B']:.2f}, those of the aligned answer "
        f"{topics['A']:.2f}, those of both {topics['both']:.2f}.",
    )


def _aggregates(found: Evidence) -> Found:
    name = f"LIMA-OE:{ALIGNED}>{BASE}"
    row = found.tree["coverage"].get(name)
    shuffled = found.shuffled.get(name)
    if row is None or shuffled is None or row["each"] is None:
        return ABSENT
    count = row["sample_equivalents"]
    shared, questions = row["words_in_ge3"]
    several = count is None or count >= SEVERAL
    told = "more than all base samples" if count is None else f"{count:.2f} base samples"
    kept = "n/a" if shared is None else f"{shared:.3f}"
    return (
        "shown" if several and row["each"] > shuffled and (shared or 0) > 0.5 else "not shown",
        f"One {ALIGNED} answer has as many content words as {told} together, holds "
        f"{row['each']:.3f} of the words of one base sample (answer to another question: "
        f"{shuffled:.3f}) and {kept} of the words that 3 or more base samples have ({questions} "
        "questions).",
    )


def _lost(found: Evidence) -> Found:
    row, control = found.tree["missing_topics"].get(BASE), found.quality_control
    if row is None or control is None or not control["pairs"] or row.get("mean") is None:
        return ABSENT
    both, pairs = control["helpful_and_novel"], control["pairs"]
    few = both / pairs < SUPPRESSED
    return (
        "shown" if few and row["redundant_share"] > 0.5 else "not shown",
        f"{row['redundant_share']:.1%} of base samples are redundant or nearly so beside "
        f"the aligned answer (mean missing {row['mean']:.3f} of 5); {both} of {pairs} are both "
        "helpful and novel.",
    )


def _overton(tree: Tree) -> Found:
    stance = tree["stance"]
    if not (stance.get(BASE, {}).get("n") and stance.get(ALIGNED, {}).get("n")):
        return ABSENT
    base, aligned = stance[BASE], stance[ALIGNED]
    shares = [row["both"] / row["n"] for row in (base, aligned)]
    moved = base["yes_and_no"] > aligned["yes_and_no"] and shares[0] < shares[1]
    return (
        "shown" if moved else "not shown",
        f"D (questions with yes and no) {base['yes_and_no']:.3f} for {BASE} and "
        f"{aligned['yes_and_no']:.3f} for {ALIGNED}; O (responses that present both) "
        f"{shares[0]:.3f} and {shares[1]:.3f}.",
    )


def _examples(tree: Tree) -> Found:
    by = [tree["similarity_LIMA-OE"].get(f"{ALIGNED}<-{name}") for name in (BASE, "llama-2-icl")]
    if any(row is None or row["rougeL"] is None for row in by):
        return ABSENT
    base, examples = by
    higher = all(examples[key] > base[key] for key in ("jaccard", "rougeL"))
    return (
        "shown" if higher else "not shown",
        f"Similarity to {ALIGNED} of {BASE} and llama-2-icl: Jaccard {base['jaccard']:.3f} and "
        f"{examples['jaccard']:.3f}, ROUGE-L {base['rougeL']:.3f} and {examples['rougeL']:.3f}.",
    )


def _ceiling(found: Evidence) -> Found:
    """Whether hints make base models as similar as aligned answers are to each other."""
    reached: dict[str, list[bool]] = {}
    told: dict[str, str] = {}
    ceilings = {one.reference: one for one in found.similarities if one.is_self}
    for one in found.similarities:
        student = next((s for s in ("mistral", "llama-2") if one.alternative.startswith(s)), None)
        teacher = {
            "llama-2-chat": "chat",
            "gpt-3.5-turbo": "gpt-3.5",
            "mistral-instruct": "instruct",
        }
        wanted = f"{student}-icl-{teacher.get(one.reference)}-summary"
        if student is None or one.alternative != wanted or one.reference not in ceilings:
            continue
        for metric, scores in one.scores.items():
            top = ceilings[one.reference].scores[metric]
            gaps = [
                difference_to(top, scores, n_boot=found.draws, seed=seed) for seed in found.seeds
            ]
            known = [gap for gap in gaps if gap is not None and gap.high is not None]
            reached.setdefault(student, []).append(
                len(known) == len(gaps) and all((gap.high or 0) >= 0 for gap in known)
            )
            if known and metric == "rougeL":
                gap = known[0]
                told.setdefault(
                    student, f"e.g. ROUGE-L {gap.value:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]"
                )
    if not reached:
        return ABSENT
    words = [
        f"{student} base: {sum(cells)} of {len(cells)} metric and teacher cells"
        + (f" ({told[student]})" if student in told else "")
        for student, cells in reached.items()
    ]
    return (
        "shown" if all(all(cells) for cells in reached.values()) else "not shown",
        "The 95 % interval of the difference to the ceiling includes or exceeds 0 with examples "
        f"and a summary as hint: {'; '.join(words)}.",
    )
