"""How much of the gain comes from items with an equals sign (spec 3.3)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from tenpapers.errors import UserError

from ..records import Graded

Scope = Literal["both", "question", "response", "paper-code"]
SCOPES: tuple[Scope, ...] = ("both", "question", "response", "paper-code")


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
    parts = {True: [0, 0.0], False: [0, 0.0], None: [0, 0.0]}
    for pair in pairs:
        parts[pair.has][0] += 1
        parts[pair.has][1] += pair.cot - pair.direct
    (n_with, gain_with), (n_without, gain_without) = parts[True], parts[False]
    total = gain_with + gain_without
    share = 100 * gain_with / total if total > 0 else None
    return EqualsResult(
        int(n_with),
        int(n_without),
        100 * gain_with / n_with if n_with else None,
        100 * gain_without / n_without if n_without else None,
        gain_with,
        gain_without,
        share,
        "" if share is not None else "there is no net gain to share",
        int(parts[None][0]),
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
    n_with, n_without = sum(r.n_with for r in results), sum(r.n_without for r in results)
    gain_with = sum(r.gain_with for r in results)
    gain_without = sum(r.gain_without for r in results)
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
        sum(r.left_out for r in results),
    )


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
    return sorted(table, key=lambda row: -(row["error_reduction"] or float("-inf")))


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
