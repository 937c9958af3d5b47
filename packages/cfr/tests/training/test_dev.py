import numpy as np
import pytest
from cfr.contrast.tuples import training_set
from cfr.records import Training
from cfr.training.dev import dev_mrr, reciprocal_rank
from cfr.training.trained_models import Heads

from .conftest import passage


def test_of_equal_scores_the_first_counts():
    relevant = np.array([False, False, True, True])
    assert reciprocal_rank(np.array([0.5, 0.9, 0.9, 0.1]), relevant) == 0.5
    assert reciprocal_rank(np.array([0.9, 0.1, 0.9, 0.1]), relevant) == 0.5
    assert reciprocal_rank(np.array([0.1, 0.1]), np.array([False, False])) == 0.0


def test_a_row_is_ranked_among_its_own_passages_or_among_all():
    """Query 1 points at x, where its positive lies; a passage of query 2 lies nearer."""
    rows = [
        Training(qid="1", claim="a", positives=[passage("p", "p")], negatives=[passage("n", "n")]),
        Training(qid="2", claim="b", positives=[passage("q", "q")], negatives=[passage("m", "m")]),
    ]
    data = training_set(rows)
    queries = np.array([[1, 0], [0, 1]], dtype=np.float32)
    places = {"p": [0.8, 0.6], "n": [0, -1], "q": [0.6, -0.8], "m": [1.0, 0.1]}
    documents = np.array([places[text] for text in data.documents.texts], dtype=np.float32)
    model = Heads(queries, documents)
    assert dev_mrr(model, data, score="cosine") == pytest.approx((1 + 1 / 2) / 2)
    assert dev_mrr(model, data, score="cosine", pool="all") == pytest.approx((1 / 2 + 1 / 3) / 2)
