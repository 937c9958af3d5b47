import math

import numpy as np
import pytest
from cfr.scoring.intervals import claim_of, interval


def test_the_claim_of_a_query_is_its_name_without_the_number():
    assert [claim_of(qid) for qid in ("7:0", "a:b:12", "7")] == ["7", "a:b", "7"]


def test_whole_claims_are_drawn():
    """Two claims, one with three ones: a draw is all ones, all zeros, or three quarters."""
    values, claims = [1, 1, 1, 0], ["a", "a", "a", "b"]
    assert interval(values, claims) == (0, 1)
    middle = interval(values, claims, level=0.4)  # the middle half of the draws has both claims
    assert middle == (0.75, 0.75)


def test_it_is_that_of_the_normal_approximation_for_many_claims():
    values = np.random.default_rng(3).random(800)
    low, high = interval(values, range(800), draws=10_000)
    apart = 1.96 * values.std() / math.sqrt(800)
    assert (low, high) == pytest.approx((values.mean() - apart, values.mean() + apart), abs=0.0015)


def test_questions_of_one_claim_are_no_sample_of_their_own():
    values = np.random.default_rng(3).random(100)
    by_claim = interval(np.repeat(values, 8), np.repeat(np.arange(100), 8))
    by_question = interval(np.repeat(values, 8), range(800))
    assert by_claim.high - by_claim.low > 2 * (by_question.high - by_question.low)


def test_one_claim_says_nothing_of_others():
    assert all(map(math.isnan, interval([0.2, 0.4], ["a", "a"])))
    assert all(map(math.isnan, interval([], [])))
