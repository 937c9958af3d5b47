import numpy as np
import pytest
from tenpapers.embedding import search
from tenpapers.errors import UserError

from .conftest import corpus


def brute(queries, vectors, ids, k):
    """All cosines, sorted stably."""
    a = queries / np.linalg.norm(queries, axis=1, keepdims=True)
    b = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = a @ b.T
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(scores, order, 1), np.array(ids, dtype=object)[order]


@pytest.mark.parametrize("size", [1, 7, 64])
@pytest.mark.parametrize("k", [5, 64, 100])
def test_search_over_shards_equals_brute_force(size, k):
    """Ids exactly, scores to 1e-6; k over the corpus gives all of it; ties by the earlier row."""
    vectors, ids = corpus()
    vectors[40] = vectors[3]  # a tie
    queries = np.concatenate([corpus(5, seed=1)[0], vectors[3:4]])
    shards = [(ids[i : i + size], vectors[i : i + size]) for i in range(0, 64, size)]
    scores, found = search(queries, shards, k)
    wanted, names = brute(queries, vectors, ids, k)
    assert found.shape == (6, min(k, 64)) and found[5, 0] == "d3" and found[5, 1] == "d40"
    assert np.abs(scores - wanted).max() < 1e-6
    same = found == names
    # Two equal vectors may differ in the last bit between a shard and the whole matrix.
    assert all({a, b} == {"d3", "d40"} for a, b in zip(found[~same], names[~same], strict=True))


def test_memory_does_not_grow_with_the_number_of_shards():
    import tracemalloc

    queries = corpus(20, seed=1)[0]

    def peak(shards):
        made = (
            (([f"{n}-{i}" for i in range(2000)]), corpus(2000, seed=n)[0]) for n in range(shards)
        )
        tracemalloc.start()
        search(queries, made, 10)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(40) < 1.1 * peak(5)


def test_search_refuses_what_does_not_fit():
    vectors, ids = corpus()
    with pytest.raises(UserError, match="queries have 8 dimensions"):
        search(vectors[:1, :8], [(ids, vectors)], 3)
    with pytest.raises(UserError, match="no document"):
        search(vectors[:1], [], 3)
    with pytest.raises(UserError, match="metric l2"):
        search(vectors[:1], [(ids, vectors)], 3, metric="l2")


@pytest.mark.parametrize("metric", ["cosine", "dot"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_row_that_is_not_finite_is_named(metric, bad):
    vectors, ids = corpus()
    broken = vectors.copy()
    broken[41, 3] = bad
    with pytest.raises(UserError, match="^d41: its vector has a number that is not finite"):
        search(vectors[:1], [(ids, broken)], 3, metric=metric)
    with pytest.raises(UserError, match="^query 41: its vector"):
        search(broken, [(ids, vectors)], 3, metric=metric)


@pytest.mark.parametrize("k", [0, -1])
def test_no_result_is_no_search(k):
    vectors, ids = corpus()
    with pytest.raises(UserError, match=f"k = {k}: 1 or more results are wanted"):
        search(vectors[:1], [(ids, vectors)], k)


def test_ids_and_embeddings_have_to_be_as_many():
    vectors, ids = corpus()
    with pytest.raises(UserError, match="64 embeddings for 63 ids"):
        search(vectors[:1], [(ids[1:], vectors)], 3)
