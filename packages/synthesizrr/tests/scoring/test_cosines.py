import numpy as np
import pytest
from synthesizrr.scoring.cosines import cosine_matrix, pairwise_cosine


def test_cosines_equal_the_mean_over_all_pairs():
    vectors = np.random.default_rng(0).normal(size=(7, 4)).astype(np.float32)
    labels = ["a", "a", "b", "a", "b", "b", "b"]
    table, pairs = cosine_matrix(vectors, labels), pairwise_cosine(vectors)
    for a in "ab":
        for b in "ab":
            rows = [i for i in range(7) if labels[i] == a]
            columns = [i for i in range(7) if labels[i] == b]
            assert table[a][b] == pytest.approx(pairs[np.ix_(rows, columns)].mean(), abs=1e-6)
