import numpy as np
import pytest
from overton import knn
from tenpapers.errors import UserError


def test_nearest_first_without_itself():
    rows = np.array([[1, 0], [10, 1], [0, 3], [1, 1]], dtype=np.float32)
    assert knn(rows, 3).tolist() == [[1, 3, 2], [0, 3, 2], [3, 1, 0], [1, 0, 2]]


def test_ties_go_to_the_lower_row():
    rows = np.array([[1, 0], [0, 1], [0, 2], [0, -1], [0, 5]], dtype=np.float32)
    assert knn(rows, 2).tolist() == [[1, 2], [2, 4], [1, 4], [0, 1], [1, 2]]


def test_rows_are_blocks_of_one_answer(monkeypatch):
    rows = np.random.default_rng(0).standard_normal((37, 5))
    whole = knn(rows, 4)
    monkeypatch.setattr("overton.embedding.neighbours._ENTRIES", 100)
    assert (knn(rows, 4) == whole).all()


def test_as_many_neighbours_as_rows_are_refused():
    with pytest.raises(UserError, match="-k 3: of 3 texts each has 2 neighbours"):
        knn(np.eye(3), 3)


def test_rows_that_are_no_directions_are_named():
    rows = np.array([[1.0, 0], [0, 0], [np.nan, 1], [np.inf, 0]])
    with pytest.raises(UserError, match="rows 1, 2, 3 are zero or no numbers"):
        knn(rows, 1)
