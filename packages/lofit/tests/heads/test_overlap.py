import numpy as np
import pytest
from lofit.heads.overlap import chance_jaccard, jaccard, layer_histogram, spearman, stability


def test_jaccard():
    a, b, c, d = [(0, i) for i in range(4)]
    assert jaccard([a, b], [b, a]) == 1.0
    assert jaccard([a], [b]) == 0.0
    assert jaccard([a, b, c], [b, c, d]) == 0.5
    assert jaccard([], []) == 1.0
    assert chance_jaccard(27, 270) == pytest.approx(27 / 513)
    assert stability([[a, b], [a, b], [c, d]]) == pytest.approx(1 / 3)


def test_layers_and_rank_correlation():
    assert layer_histogram([(0, 1), (2, 0), (2, 1), (2, 2)], 3) == [0.25, 0.0, 0.75]
    assert spearman(np.array([[1, 2], [3, 4]]), np.array([[10, 20], [30, 40]])) == pytest.approx(1)
    assert spearman(np.array([[1, 2], [3, 4]]), np.array([[4, 3], [2, 1]])) == pytest.approx(-1)
