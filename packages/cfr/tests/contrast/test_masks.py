import numpy as np
from cfr.contrast.masks import false_negatives, others_columns


def test_other_positives_of_the_query_and_columns_that_fill_up_are_masked():
    columns = np.array([3, 8, 5, 9, 3, -1])
    mask = false_negatives(columns, np.array([0, 1]), [np.array([3, 5]), np.array([2, 8, 11])])
    assert mask.tolist() == [
        [False, False, True, False, True, True],
        [False, False, False, False, False, True],
    ]


def test_copies_of_the_rows_own_positive_are_masked_whatever_else_is_known():
    mask = false_negatives(np.array([3, 8, 3]), np.array([0]), [np.array([], dtype=np.int64)])
    assert mask.tolist() == [[False, False, True]]


def test_without_in_batch_negatives_a_row_sees_its_own_columns_alone():
    owner = np.array([0, 1, 0, 1, 1])
    assert others_columns(owner, np.array([0, 1])).tolist() == [
        [False, True, False, True, True],
        [True, False, True, False, False],
    ]


def test_the_mask_says_what_nested_loops_say():
    rng = np.random.default_rng(0)
    columns = rng.integers(0, 12, 40)
    target = np.arange(15)
    positives = [np.unique(np.append(rng.integers(0, 12, 2), columns[row])) for row in target]
    wanted = [
        [int(columns[j] in positives[i] and j != target[i]) for j in range(40)] for i in target
    ]
    assert false_negatives(columns, target, positives).astype(int).tolist() == wanted
