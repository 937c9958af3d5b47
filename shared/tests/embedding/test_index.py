import numpy as np
import pytest
from tenpapers.embedding import DenseIndex, search
from tenpapers.errors import UserError

from .conftest import corpus


@pytest.mark.parametrize("kind", ["flat", "ivf", "hnsw"])
def test_indexes_find_save_and_load(kind, tmp_path):
    """Flat gives what the exact search gives; the others find nearly all of it."""
    vectors, ids = corpus(2000, 24)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    queries = vectors[:50] + 0.05 * corpus(50, 24, 2)[0]
    shards = [(ids[:1200], vectors[:1200]), (ids[1200:], vectors[1200:])]
    wanted, names = search(queries, shards, 10, metric="dot")
    DenseIndex.build(shards, kind).save(tmp_path)
    scores, found = DenseIndex.load(tmp_path).search(queries, 10)
    if kind == "flat":
        assert (found == names).all() and np.abs(scores - wanted).max() < 1e-5
    assert (found[:, 0] == ids[:50]).mean() >= 0.9
    with pytest.raises(UserError, match="dimensions"):
        DenseIndex.load(tmp_path).search(queries[:, :5], 3)
    with pytest.raises(UserError, match=r"no index\.faiss"):
        DenseIndex.load(tmp_path / "none")
