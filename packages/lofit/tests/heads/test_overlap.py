import numpy as np
import pytest
from lofit.heads.overlap import (
    Overlap,
    chance_jaccard,
    jaccard,
    layer_histogram,
    overlap,
    spearman,
    stability,
)


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


def test_the_overlap_of_two_tasks_stands_beside_that_of_two_seeds():
    a, b, c, d = [(0, i) for i in range(4)]
    found = overlap({"x": [[a, b], [a, c]], "y": [[c, d]]}, 10)
    assert found == Overlap(("x", "y"), [0.0, 1 / 3], {"x": [1 / 3]}, 2 / 18)
    assert found.sentence() == (
        "Jaccard of the heads of x and y: 0.00 to 0.33; of two seeds of x 0.33; two random sets "
        "would have about 0.11."
    )
