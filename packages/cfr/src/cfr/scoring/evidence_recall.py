"""Whether rankings hold all of what a claim or a question needs: FEVER and HotpotQA."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence

from .rankings import require_ranked


def evidence_recall(
    rankings: Mapping[str, Sequence[str]],
    evidence: Mapping[str, Sequence[Collection[str]]],
    ks: Sequence[int],
) -> dict[str, float | int]:
    """Share of claims of which at least one whole evidence set lies in the first k (FEVER).

    Parameters
    ----------
    rankings : of each claim its ranked pages or sentences, best first.
    evidence : of each claim its evidence sets, of the same names; claims without evidence
        (NOT ENOUGH INFO) are left out and counted.

    Returns
    -------
    `n` claims, `skipped`, and `evidence_recall@k` for each k, 0 to 1; NaN where n is 0.

    Raises
    ------
    UserError : rankings of none of the claims.
    """
    known = {name: sets for name, sets in evidence.items() if any(sets)}
    require_ranked(known, rankings)
    shares = {
        f"evidence_recall@{k}": _share(
            _holds_one(rankings.get(name, ())[:k], sets) for name, sets in known.items()
        )
        for k in ks
    }
    return {"n": len(known), "skipped": len(evidence) - len(known)} | shares


def paragraphs_found(
    rankings: Mapping[str, Sequence[str]],
    gold: Mapping[str, Collection[str]],
    ks: Sequence[int],
) -> dict[str, float | int]:
    """Of the gold paragraphs: mean share in the first k, and how often all are there (HotpotQA).

    Returns
    -------
    `n` questions, `skipped` ones without gold paragraphs, `recall@k` and `both_found@k` for each k,
    0 to 1; NaN where n is 0.

    Raises
    ------
    UserError : rankings of none of the questions.
    """
    known = {name: frozenset(wanted) for name, wanted in gold.items() if wanted}
    require_ranked(known, rankings)
    values: dict[str, float | int] = {"n": len(known), "skipped": len(gold) - len(known)}
    for k in ks:
        shares = [
            len(wanted.intersection(rankings.get(name, ())[:k])) / len(wanted)
            for name, wanted in known.items()
        ]
        values[f"recall@{k}"] = _share(shares)
        values[f"both_found@{k}"] = _share(share == 1 for share in shares)
    return values


def _holds_one(found: Sequence[str], sets: Sequence[Collection[str]]) -> bool:
    seen = frozenset(found)
    return any(wanted and seen.issuperset(wanted) for wanted in sets)


def _share(values: Iterable[float]) -> float:
    given = list(values)
    return sum(given) / len(given) if given else math.nan
