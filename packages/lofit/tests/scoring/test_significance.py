import pytest
from lofit.scoring.significance import outcome, paired_bootstrap, sentence
from tenpapers.errors import UserError


def test_the_interval_is_of_95_percent():
    """Six wins of twenty: the resampled mean is binomial, so its quantiles are known."""
    found = paired_bootstrap([1.0] * 6 + [0.0] * 14, [0.0] * 20)
    # P(<= 1) = 0.008 and P(<= 2) = 0.036; P(<= 9) = 0.952 and P(<= 10) = 0.983.
    assert found[:3] == pytest.approx((0.3, 0.1, 0.5))
    assert found.p == pytest.approx(0.7**20, abs=0.002)  # no win drawn at all


def test_one_item_is_never_significant():
    found = paired_bootstrap([100.0], [0.0])
    assert found.difference == 100.0 and found.p == 1.0 and found.stars == ""
    assert "not shown" in sentence("a beats b", {"seed 1": found})


def test_items_that_cannot_be_paired_are_refused():
    for ours, theirs in (([1.0], [1.0, 0.0]), ([], [])):
        with pytest.raises(UserError, match="cannot be paired"):
            paired_bootstrap(ours, theirs)


def test_the_sentence_changes_with_the_numbers():
    """Shown, not shown, opposite; swapped numbers swap the verdict, two seeds must agree."""
    high, low = [100.0] * 30 + [0.0] * 10, [0.0] * 30 + [100.0] * 10
    up, down, flat = (
        paired_bootstrap(ours, theirs) for ours, theirs in ((high, low), (low, high), (high, high))
    )
    assert outcome({"seed 1": up, "seed 2": up}) == "shown"
    assert outcome({"seed 1": down, "seed 2": down}) == "the opposite shows"
    for other in (down, flat):
        assert outcome({"seed 1": up, "seed 2": other}) == "not shown"
    assert outcome({}) == "not shown"
    said = sentence("a beats b", {"seed 1": up, "seed 2": flat})
    assert said.startswith('"a beats b": not shown at this scale. seed 1: +50.0 points (95% ')
    assert said.endswith("; seed 2: +0.0 points (95% interval +0.0 to +0.0).")
    assert up.p < 0.05 and down.p > 0.95
    assert up.stars == "*"
