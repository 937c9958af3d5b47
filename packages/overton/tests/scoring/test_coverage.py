import pytest
from overton import SampleSet, coverage
from overton.scoring.coverage import covered


def test_one_question():
    found = coverage([{"a", "b", "c"}], [[{"a", "x"}, {"a", "b"}, set()]])
    assert found.row() == {
        "each": pytest.approx((1 / 2 + 2 / 2) / 2),  # the empty sample is left out
        "words_in_ge1": [pytest.approx(2 / 3), 1],
        "words_in_ge2": [1.0, 1],
        "words_in_ge3": [None, 0],
        "union_sizes": [2.0, 3.0, 3.0],
        "ref_types": 3.0,
        "sample_equivalents": 2.0,
    }


def test_sample_equivalents_lie_between_two_numbers_of_samples():
    assert coverage([set("abc")], [[set("ab"), set("cdef")]]).sample_equivalents == 1.25
    assert coverage([set("a")], [[set("abcd")]]).sample_equivalents == 0.25


def test_more_words_than_all_samples_have_no_equivalent():
    assert coverage([set("abc")], [[set("ab")]]).sample_equivalents is None


def test_failed_answers_are_no_empty_ones():
    aligned = SampleSet("a", [0, 1], [["red car"], [None]], [["stop"], ["error"]])
    base = SampleSet("b", [1, 0], [["blue"], ["red", None]], [["stop"], ["stop", "error"]])
    row = covered(aligned, base).row()
    assert (row["each"], row["union_sizes"], row["ref_types"]) == (1.0, [1.0], 2.0)
