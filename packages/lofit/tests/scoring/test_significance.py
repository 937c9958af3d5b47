import pytest
from lofit.scoring.significance import paired_bootstrap, sentence
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
    assert "not shown" in sentence("a beats b", found)


def test_items_that_cannot_be_paired_are_refused():
    for ours, theirs in (([1.0], [1.0, 0.0]), ([], [])):
        with pytest.raises(UserError, match="cannot be paired"):
            paired_bootstrap(ours, theirs)


def test_the_sentence_changes_with_the_numbers():
    """Shown, not shown, opposite; swapped numbers swap the verdict."""
    high, low = [100.0] * 30 + [0.0] * 10, [0.0] * 30 + [100.0] * 10
    assert "shown at this scale" in sentence("a beats b", paired_bootstrap(high, low))
    assert "the opposite shows" in sentence("a beats b", paired_bootstrap(low, high))
    assert '"a beats b": not shown' in sentence("a beats b", paired_bootstrap(high, high))
    assert paired_bootstrap(high, low).p < 0.05 and paired_bootstrap(low, high).p > 0.95
    assert paired_bootstrap(high, low).stars == "*"
