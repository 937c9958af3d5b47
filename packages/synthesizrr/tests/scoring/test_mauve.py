import numpy as np
import pytest
from synthesizrr.scoring.mauve import matched_reference, mauve
from tenpapers.errors import UserError


def test_mauve_of_equal_and_of_far_features():
    near = np.random.default_rng(0).normal(size=(400, 32)).astype(np.float32)
    assert mauve(near, near) == pytest.approx(1, abs=1e-6)
    assert mauve(near, near + 10) == pytest.approx(0.5, abs=0.01)
    assert mauve(near, near + 10, scaling=5) < 0.02


def test_mauve_needs_rows_and_numbers():
    few = np.zeros((5, 3), dtype=np.float32)
    with pytest.raises(UserError, match="need at least num_buckets rows"):
        mauve(few, few)
    many = np.zeros((40, 3), dtype=np.float32)
    bad = many.copy()
    bad[6, 1] = np.nan
    with pytest.raises(UserError, match="generated row 7"):
        mauve(many, bad)


def test_the_reference_gets_the_mix_of_the_set():
    rows = matched_reference(["a", "a", "a", "b"], ["a", "b", "b", "a"], seed=1)
    assert sorted(rows[:3] % 3) == [0, 0, 0] or set(rows[:3]) <= {0, 3}
    assert len(rows) == 4 and set(rows[:3]) == {0, 3} and rows[3] in (1, 2)
    assert len(matched_reference(["a", None], ["x"], seed=1)) == 2
