import math

import pytest
from cfr.records import Claim, Verdict
from cfr.scoring.labels import CLAIMDECOMP
from cfr.scoring.veracity import f1_scores, veracity
from tenpapers.errors import UserError

SUPPORTED, REFUTED, NEE, CONFLICTING = (
    "Supported",
    "Refuted",
    "Not Enough Evidence",
    "Conflicting Evidence/Cherrypicking",
)


def claims(*labels):
    return [Claim(claim_id=i, claim="c", label=label) for i, label in enumerate(labels)]


def verdict(name, label, failed=False):
    return Verdict(claim_id=name, pred_label=label, parse_failed=failed)


def test_a_label_that_nobody_has_counts_in_the_mean():
    found = veracity(
        [verdict(0, SUPPORTED), verdict(1, SUPPORTED), verdict("2", NEE, failed=True)],
        claims(SUPPORTED, REFUTED, NEE, REFUTED),
    )
    assert found == {
        "n": 4,
        "missing": 1,
        "accuracy": 0.5,
        "accuracy_parsed": 0.25,
        "parse_failed": 1,
        "parse_failure_rate": pytest.approx(1 / 3),
        "f1": {SUPPORTED: pytest.approx(2 / 3), REFUTED: 0, NEE: 1, CONFLICTING: 0},
        "macro_f1": pytest.approx((2 / 3 + 1) / 4),
    }


def test_f1_is_that_of_scikit_learn():
    f1_score = pytest.importorskip("sklearn.metrics").f1_score
    right = ["a", "a", "b", "c", "c", "c", "a"]
    said = ["a", "b", "b", "c", "a", "c", "c"]
    wanted = f1_score(right, said, labels=["a", "b", "c", "d"], average=None, zero_division=0)
    found = f1_scores(list(zip(right, said, strict=True)), ["a", "b", "c", "d"])
    assert list(found.values()) == pytest.approx(wanted.tolist())


def test_on_a_scale_it_counts_how_far_off():
    found = veracity(
        [verdict(0, "Pants on Fire"), verdict(1, "true"), verdict(2, "half true")],
        claims("false", "mostly-true", "barely-true", "true"),
        CLAIMDECOMP,
    )
    assert found["accuracy"] == 0
    assert found["mean_absolute_error"] == 1  # each is one step off; the missing one has no step
    # false/pants-fire and mostly-true/true lie on one side, barely-true/half-true do not
    assert found["binary_accuracy"] == 0.5


def test_nothing_to_score_is_not_a_number():
    assert math.isnan(veracity([], [])["accuracy"])


@pytest.mark.parametrize(
    ("verdicts", "told"),
    [
        ([verdict(0, NEE), verdict("0", NEE)], "claim 0: has two verdicts"),
        ([verdict(7, NEE)], "claim 7: has a verdict and is not among the references"),
        ([verdict(0, "Perhaps")], "verdict on claim 0: 'Perhaps' is no label"),
    ],
)
def test_verdicts_that_cannot_be_joined_are_refused(verdicts, told):
    with pytest.raises(UserError, match=told):
        veracity(verdicts, claims(NEE))


def test_references_have_labels_and_ids_of_their_own():
    with pytest.raises(UserError, match="claim 0: has no label"):
        veracity([], claims(None))
    with pytest.raises(UserError, match="claim 0: stands twice among the references"):
        veracity([], claims(NEE) * 2)
