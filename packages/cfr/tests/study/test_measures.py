import pytest
from cfr.study.measures import curve, difference, measured, value

FIRST = {"1:0": 1, "1:1": 4, "2:0": 2}
SECOND = {"1:0": 1, "1:1": 2, "2:0": 5}


@pytest.mark.parametrize(
    ("metric", "wanted"), [("mrr", 0.25), ("hit@1", 0.0), ("hit@3", 0.0), ("hit@5", 1.0)]
)
def test_a_rank_gives_its_reciprocal_or_a_hit(metric, wanted):
    assert value(4, metric) == wanted


def test_a_mean_is_over_seeds_and_queries_and_every_seed_stands_beside_it():
    found = measured([FIRST, SECOND], "mrr")
    # (1 + 1/4 + 1/2) / 3 and (1 + 1/2 + 1/5) / 3
    assert found["seeds"] == pytest.approx([0.583333, 0.566667], abs=1e-6)
    assert found["mean"] == pytest.approx(0.575, abs=1e-6)
    # Claim 2 alone has 0.35, claim 1 alone 0.6875: claims are drawn, not questions.
    assert (found["low"], found["high"]) == pytest.approx((0.35, 0.6875))
    assert found["n"] == 3


def test_differences_are_those_on_the_same_queries():
    found = difference([{"1:0": 1, "2:0": 1}], [{"1:0": 2, "2:0": 1, "3:0": 1}], "hit@1")
    assert (found["mean"], found["n"]) == (0.5, 2)
    assert (found["low"], found["high"]) == (0.0, 1.0)


def test_one_claim_has_no_interval():
    found = measured([{"1:0": 2}], "mrr")
    assert (found["mean"], found["low"], found["high"]) == (0.5, None, None)


def test_a_curve_rises_to_the_last_rank():
    assert curve([FIRST], 4) == pytest.approx([1 / 3, 2 / 3, 2 / 3, 1])
