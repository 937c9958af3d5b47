"""The paper's claims, held against the numbers of a study."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tenpapers.paper import Verdict

Outcome = Literal["holds", "does not hold", "cannot be told at this size", "not measured"]
VERDICTS: dict[Outcome, Verdict] = {
    "holds": "shown",
    "does not hold": "not shown",
    "cannot be told at this size": "not testable here",
    "not measured": "not testable here",
}


@dataclass(frozen=True)
class RowNumbers:
    """What the table has of one row; None where it was not measured."""

    self_bleu: float | None
    entropy: float | None
    mauve: float | None
    accuracy: float | None
    std: float | None
    preservation: float | None


@dataclass(frozen=True)
class Comparison:
    """One claim: what it says, both numbers, and what comes of them.

    Parameters
    ----------
    id : of the claim in `paper.yaml`.
    ours, theirs : of SynthesizRR and of FewGen.
    more : what the numbers are read with.
    """

    id: str
    sentence: str
    ours: float | None
    theirs: float | None
    outcome: Outcome
    more: str = ""

    @property
    def numbers(self) -> str:
        """Both numbers in words."""
        if self.ours is None or self.theirs is None:
            return "not measured"
        return f"{self.ours:.1f} against {self.theirs:.1f}{self.more}"

    def line(self) -> str:
        """The claim and its outcome in one sentence."""
        if self.outcome == "not measured":
            return f"{self.sentence}: not measured."
        return f"{self.sentence}: {self.outcome} ({self.numbers})."


@dataclass(frozen=True)
class OverSeeds:
    """One claim over several seeds: it holds if it holds with each of them.

    Parameters
    ----------
    numbers : of every seed, in words.
    """

    id: str
    sentence: str
    outcome: Outcome
    numbers: str

    def line(self) -> str:
        """The claim and its outcome in one sentence."""
        return f"{self.sentence}: {self.outcome} ({self.numbers})."


def over_seeds(by_seed: Mapping[int, Sequence[Comparison]]) -> list[OverSeeds]:
    """The claims of several seeds as one: what another seed turns round does not hold."""
    together = []
    for comparisons in zip(*by_seed.values(), strict=True):
        outcomes = {claim.outcome for claim in comparisons}
        outcome: Outcome = comparisons[0].outcome
        if len(outcomes) > 1:
            outcome = "not measured" if "not measured" in outcomes else "does not hold"
        numbers = "; ".join(
            f"seed {seed}: {claim.numbers}"
            for seed, claim in zip(by_seed, comparisons, strict=True)
        )
        first = comparisons[0]
        together.append(OverSeeds(first.id, first.sentence, outcome, numbers))
    return together


def compare_arms(rows: Mapping[str, RowNumbers], ours: str, theirs: str) -> list[Comparison]:
    """Every claim, with the numbers of two arms and of Gold."""
    a, b, gold = rows[ours], rows[theirs], rows["Gold"]
    gold_bleu = _number(gold.self_bleu)
    near = abs(_number(a.self_bleu) - gold_bleu)
    far = abs(_number(b.self_bleu) - gold_bleu)
    return [
        _compared(
            "diversity",
            "Self-BLEU-5 below FewGen and nearer to Gold",
            a.self_bleu,
            b.self_bleu,
            holds=_number(a.self_bleu) < _number(b.self_bleu) and near < far,
            more=f"; Gold {gold_bleu:.1f}",
        ),
        _compared(
            "entities",
            "entity entropy above FewGen",
            a.entropy,
            b.entropy,
            holds=_number(a.entropy) > _number(b.entropy),
            more=" bits",
        ),
        _compared(
            "closeness",
            "MAUVE above FewGen",
            a.mauve,
            b.mauve,
            holds=_number(a.mauve) > _number(b.mauve),
        ),
        _compared(
            "students",
            "student at least as accurate as FewGen's",
            a.accuracy,
            b.accuracy,
            holds=_number(a.accuracy) >= _number(b.accuracy),
            more=_spread(a, b),
        ),
        _compared(
            "label-preservation",
            "label preservation slightly lower than FewGen's (a claim on hard tasks)",
            a.preservation,
            b.preservation,
            holds=_number(a.preservation) <= _number(b.preservation),
        ),
    ]


def numbered(comparisons: Sequence[Comparison | OverSeeds]) -> list[str]:
    """One sentence a claim, as the report has them."""
    return [f"{number}. {claim.line()}" for number, claim in enumerate(comparisons, 1)]


def verdicts(comparisons: Sequence[Comparison | OverSeeds]) -> dict[str, tuple[Verdict, str]]:
    """By claim the verdict and the evidence, as `results.json` has them."""
    return {
        claim.id: (VERDICTS[claim.outcome], f"SynthesizRR against FewGen: {claim.numbers}")
        for claim in comparisons
    }


def llm_written(values: Mapping[str, float], human: str, written: list[str]) -> str:
    """Whether what a model wrote repeats itself at least twice as much as news do."""
    least = min(values[name] for name in written)
    holds = least >= 2 * values[human]
    return (
        f"LLM-written reviews have at least twice the Self-BLEU-5 of news at equal N: "
        f"{'holds' if holds else 'does not hold'} ({least:.1f} against {values[human]:.1f})."
    )


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _spread(a: RowNumbers, b: RowNumbers) -> str:
    if a.std is None or b.std is None:
        return ""
    return f", standard deviations {a.std:.1f} and {b.std:.1f}"


def _compared(
    name: str,
    sentence: str,
    ours: float | None,
    theirs: float | None,
    *,
    holds: bool,
    more: str = "",
) -> Comparison:
    outcome: Outcome = "holds" if holds else "does not hold"
    if ours is None or theirs is None:
        outcome = "not measured"
    elif f"{ours:.1f}" == f"{theirs:.1f}":
        outcome = "cannot be told at this size"
    return Comparison(name, sentence, ours, theirs, outcome, more)
