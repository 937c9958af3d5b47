import pytest
from dcr.study.measures import (
    auc,
    auc_interval,
    balances,
    measured,
    over_seeds,
    paired_detection,
)


def test_the_area_is_the_chance_that_a_positive_scores_above_a_negative():
    # of 6 pairs 4 are won and one is a tie
    assert auc([0.9, 0.6, 0.3], [0.5, 0.3]) == pytest.approx(4.5 / 6)
    assert auc([], [0.5]) is None and auc([0.5], []) is None


def test_an_area_has_an_interval_over_whole_documents():
    scores, right = [0.9, 0.4, 0.8, 0.6], [True, False, True, False]
    low, high = auc_interval(scores, right, ["a", "a", "b", "b"], draws=50, seed=0)
    assert (low, high) == (1.0, 1.0)
    assert auc_interval(scores, right, ["a"] * 4, draws=50, seed=0) == (None, None)


def test_the_balance_is_the_mean_of_mended_and_left_alone():
    assert balances([True, False, False], [True, True, False]) == [1.0, 0.5, 0.0]


def test_twins_are_told_apart_by_probabilities_at_the_threshold_and_beside_each_other():
    found = paired_detection([0.9, 0.6, 0.5, 0.8], [0.2, 0.7, 0.5, 0.1], threshold=0.5)
    assert found == {
        "auc": pytest.approx((4 + 3 + 2.5 + 4) / 16),
        "balanced_accuracy": pytest.approx((0.75 + 0.75) / 2),
        "paired_accuracy": pytest.approx(2.5 / 4),
        "flagged_damaged": 0.75,  # exactly the threshold is flagged
        "flagged_clean": 0.25,
    }


def test_seeds_stand_beside_their_mean():
    cells = [measured(v, [0, 1], draws=10, seed=0) for v in ([0.0, 1.0], [1.0, 1.0])]
    found = over_seeds(cells)
    assert (found["mean"], found["seeds"], found["n"]) == (0.75, [0.5, 1.0], 2)
