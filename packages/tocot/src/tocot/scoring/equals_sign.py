"""How much of the gain comes from items with an equals sign."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tenpapers.errors import UserError

from ..records import Graded
from .pairs import Cell
from .settings import Scope


@dataclass(frozen=True)
class EqualsPair:
    """One item: right or not in both arms, and whether it has an equals sign.

    Parameters
    ----------
    has : True, False, or None for an item that is left out ("paper-code": no answer sentence).
    """

    direct: float
    cot: float
    has: bool | None


@dataclass(frozen=True)
class EqualsResult:
    """Gain with and without "=".

    Parameters
    ----------
    delta_with, delta_without : mean gain in either part, in points; None for an empty part.
    share_with : percent of the whole gain that comes from items with "="; may exceed 100 where
        the others lose. None where there is no gain to share, with the reason beside it.
    left_out : items of the third part.
    """

    n_with: int
    n_without: int
    delta_with: float | None
    delta_without: float | None
    gain_with: float
    gain_without: float
    share_with: float | None
    reason: str = ""
    left_out: int = 0

    def as_json(self) -> dict[str, Any]:
        """All numbers."""
        return asdict(self)


def equals_split(pairs: Sequence[EqualsPair]) -> EqualsResult:
    """Split the gain of chain of thought over items with and without "=".

    Raises
    ------
    UserError : no pair.
    """
    if not pairs:
        raise UserError("equals: no item with both arms")
    gains: dict[bool | None, list[float]] = {True: [], False: [], None: []}
    for pair in pairs:
        gains[pair.has].append(pair.cot - pair.direct)
    return _result(
        n_with=len(gains[True]),
        n_without=len(gains[False]),
        gain_with=sum(gains[True]),
        gain_without=sum(gains[False]),
        left_out=len(gains[None]),
    )


def _result(
    *, n_with: int, n_without: int, gain_with: float, gain_without: float, left_out: int
) -> EqualsResult:
    total = gain_with + gain_without
    share = 100 * gain_with / total if total > 0 else None
    return EqualsResult(
        n_with,
        n_without,
        100 * gain_with / n_with if n_with else None,
        100 * gain_without / n_without if n_without else None,
        gain_with,
        gain_without,
        share,
        "" if share is not None else "there is no net gain to share",
        left_out,
    )


def equals_pairs(
    direct: Sequence[Graded],
    cot: Sequence[Graded],
    scope: Scope = "both",
    *,
    include_choices: bool = False,
) -> list[EqualsPair]:
    """Pairs of graded rows, by where "=" is looked for.

    "paper-code" looks like "both", but leaves out items whose chain of thought has no answer.
    `include_choices` looks into the options too.

    Raises
    ------
    UserError : an arm without rows.
    """
    if not cot:
        raise UserError("equals: no CoT arm", "outputs of a direct and a cot setting are needed")
    if not direct:
        raise UserError("equals: no direct arm")
    by_id = {row.id: row for row in direct}
    pairs = []
    for row in cot:
        other = by_id.get(row.id)
        if other is not None:
            pairs.append(
                EqualsPair(
                    float(other.correct), float(row.correct), _has(row, scope, include_choices)
                )
            )
    return pairs


def _has(row: Graded, scope: Scope, include_choices: bool) -> bool | None:
    if include_choices and row.eq_choices:
        return True
    if scope == "question":
        return row.eq_question
    if scope == "response":
        return row.eq_response
    if scope == "paper-code" and not row.parsed:
        return None
    return row.eq_question or row.eq_response


def pooled(results: Sequence[EqualsResult]) -> EqualsResult:
    """Several tasks as one."""
    return _result(
        n_with=sum(result.n_with for result in results),
        n_without=sum(result.n_without for result in results),
        gain_with=sum(result.gain_with for result in results),
        gain_without=sum(result.gain_without for result in results),
        left_out=sum(result.left_out for result in results),
    )


def equals_by_task(
    cells: Sequence[Cell], scope: Scope = "both", *, include_choices: bool = False
) -> dict[str, EqualsResult]:
    """The split of every cell by its name, then of each source as a whole ("<source>/all").

    Raises
    ------
    UserError : a cell that lacks an arm.
    """
    split = {
        cell.name: equals_split(
            equals_pairs(cell.direct, cell.cot, scope, include_choices=include_choices)
        )
        for cell in cells
    }
    pools = {
        f"{source}/all": pooled([split[cell.name] for cell in cells if cell.source == source])
        for source in dict.fromkeys(cell.source for cell in cells)
    }
    return split | pools


def subject_table(
    rows: Sequence[tuple[str, float, float]], least: int = 10
) -> list[dict[str, Any]]:
    """Relative error reduction of each subject, (acc_cot - acc_direct) / (1 - acc_direct).

    Parameters
    ----------
    rows : subject, credit of the direct answer, credit of the chain of thought.
    least : items a subject needs.
    """
    by_subject: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for subject, direct, cot in rows:
        by_subject[subject].append((direct, cot))
    table = []
    for subject, pairs in by_subject.items():
        if len(pairs) < least:
            continue
        direct = sum(a for a, _ in pairs) / len(pairs)
        cot = sum(b for _, b in pairs) / len(pairs)
        reduction = (cot - direct) / (1 - direct) if direct < 1 else None
        table.append(
            {
                "subject": subject,
                "n": len(pairs),
                "direct": 100 * direct,
                "cot": 100 * cot,
                "error_reduction": reduction,
            }
        )
    return sorted(table, key=_by_reduction)


def _by_reduction(row: Mapping[str, Any]) -> float:
    """Largest reduction first; subjects without errors to reduce come last."""
    reduction = row["error_reduction"]
    return math.inf if reduction is None else -reduction


def text_classifier(
    texts: Sequence[str],
    has_equals: Sequence[bool],
    helped: Sequence[bool],
    *,
    seed: int = 0,
    folds: int = 5,
) -> Mapping[str, Mapping[str, float]]:
    """Does more text tell where chain of thought helps? tf-idf against the one feature "=".

    Parameters
    ----------
    texts : question and chain of thought; helped : right with it and wrong without.

    Returns
    -------
    Cross-validated accuracy and F1 of both logistic regressions.

    Raises
    ------
    UserError : fewer items of a class than folds.
    """
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_validate
    from sklearn.pipeline import make_pipeline

    least = min(sum(helped), len(helped) - sum(helped))
    if least < folds:
        raise UserError(f"classifier: {least} items of one class for {folds} folds")
    split = StratifiedKFold(folds, shuffle=True, random_state=seed)
    model = LogisticRegression(max_iter=1000, class_weight="balanced")
    text_model = make_pipeline(TfidfVectorizer(min_df=2, max_features=20_000), model)
    found = {}
    for name, estimator, features in (
        ("tf-idf", text_model, list(texts)),
        ("equals sign", model, np.array(has_equals, dtype=float)[:, None]),
    ):
        scores = cross_validate(
            estimator, features, np.array(helped), cv=split, scoring=("accuracy", "f1")
        )
        found[name] = {
            "accuracy": float(scores["test_accuracy"].mean()),
            "f1": float(scores["test_f1"].mean()),
        }
    return found
