"""The paper's claims, held against the numbers of a study."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class RowNumbers:
    """What the table has of one row; None where it was not measured."""

    self_bleu: float | None
    entropy: float | None
    mauve: float | None
    accuracy: float | None
    std: float | None
    preservation: float | None


def verdicts(rows: Mapping[str, RowNumbers], ours: str, theirs: str) -> list[str]:
    """One sentence a claim: holds, or does not hold, with both numbers."""
    a, b, gold = rows[ours], rows[theirs], rows["Gold"]
    near = abs(_value(a.self_bleu) - _value(gold.self_bleu))
    far = abs(_value(b.self_bleu) - _value(gold.self_bleu))
    lines = [
        _line(
            "Self-BLEU-5 below FewGen and nearer to Gold",
            a.self_bleu,
            b.self_bleu,
            _value(a.self_bleu) < _value(b.self_bleu) and near < far,
            f"; Gold {_value(gold.self_bleu):.1f}",
        ),
        _line(
            "entity entropy above FewGen",
            a.entropy,
            b.entropy,
            _value(a.entropy) > _value(b.entropy),
            " bits",
        ),
        _line("MAUVE above FewGen", a.mauve, b.mauve, _value(a.mauve) > _value(b.mauve)),
        _line(
            "student at least as accurate as FewGen's",
            a.accuracy,
            b.accuracy,
            _value(a.accuracy) >= _value(b.accuracy),
            _spread(a, b),
        ),
        _line(
            "label preservation slightly lower than FewGen's (a claim on hard tasks)",
            a.preservation,
            b.preservation,
            _value(a.preservation) <= _value(b.preservation),
        ),
    ]
    return [f"{number}. {line}" for number, line in enumerate(lines, 1)]


def llm_written(values: Mapping[str, float], human: str, written: list[str]) -> str:
    """Whether what a model wrote repeats itself at least twice as much as news do."""
    least = min(values[name] for name in written)
    holds = least >= 2 * values[human]
    return (
        f"LLM-written reviews have at least twice the Self-BLEU-5 of news at equal N: "
        f"{'holds' if holds else 'does not hold'} ({least:.1f} against {values[human]:.1f})."
    )


def _value(number: float | None) -> float:
    return float("nan") if number is None else number


def _spread(a: RowNumbers, b: RowNumbers) -> str:
    if a.std is None or b.std is None:
        return ""
    return f", standard deviations {a.std:.1f} and {b.std:.1f}"


def _line(claim: str, ours: float | None, theirs: float | None, holds: bool, more: str = "") -> str:
    if ours is None or theirs is None:
        return f"{claim}: not measured."
    if f"{ours:.1f}" == f"{theirs:.1f}":
        return f"{claim}: cannot be told at this size ({ours:.1f} against {theirs:.1f}{more})."
    verdict = "holds" if holds else "does not hold"
    return f"{claim}: {verdict} ({ours:.1f} against {theirs:.1f}{more})."
