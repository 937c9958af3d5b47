import pytest
from overton import stance_profile


def test_three_questions():
    profile = stance_profile(
        [["yes", "no", "both", "other"], ["yes", "yes", None, "both"], [None, None]]
    )
    assert profile.row() == {
        "n": 7,
        "yes": 3,
        "no": 1,
        "both": 2,
        "other": 1,
        "entropy_bits": pytest.approx((2 + 0.9182958) / 2),
        "distinct": 3.0,
        "yes_and_no": 0.5,
        "any_both": 1.0,
    }
    assert profile.distributional == 0.5
    assert profile.overton == pytest.approx(2 / 7)


def test_one_stance_k_times_has_no_entropy():
    assert stance_profile([["yes"] * 5]).entropy_bits.tolist() == [0.0]


def test_of_no_label_there_is_no_profile():
    row = stance_profile([[None]]).row()
    assert row["n"] == 0 and row["entropy_bits"] is None


def test_a_label_that_is_none_is_refused():
    with pytest.raises(ValueError, match="not maybe"):
        stance_profile([["maybe"]])
