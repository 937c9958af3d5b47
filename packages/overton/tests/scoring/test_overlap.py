import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from overton import jaccard_matrix
from overton.scoring.overlap import mean_pair

SETS = st.lists(st.sets(st.sampled_from("abcdef")), min_size=1, max_size=5)


@given(SETS)
def test_the_matrix_is_that_of_sets_bit_for_bit(sets):
    found = jaccard_matrix(sets)
    for row, a in enumerate(sets):
        for column, b in enumerate(sets):
            wanted = len(a & b) / len(a | b) if a | b else np.nan
            assert found[row, column] == wanted or (np.isnan(wanted) and not a | b)


def test_pairs_of_nothing_are_left_out():
    assert mean_pair(jaccard_matrix([{"a"}, {"a", "b"}, set(), set()])) == 0.5 / 5
    assert np.isnan(mean_pair(jaccard_matrix([set(), set()])))
