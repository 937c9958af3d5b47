import numpy as np
import pytest
from cfr import rerank
from cfr.records import Candidates, Passage
from cfr.retrieval.encoder import EncoderConfig
from cfr.retrieval.rerank import by_score
from tenpapers.errors import UserError


class Table:
    """Vectors by text, as an encoder gives them."""

    def __init__(self, vectors, score="cosine"):
        self.vectors, self.config, self.asked = vectors, EncoderConfig(score=score), []

    def encode_queries(self, queries):
        return np.array([self.vectors[query.claim] for query in queries], dtype=np.float32)

    def encode_passages(self, passages):
        self.asked += [passage.document for passage in passages]
        return np.array([self.vectors[p.document] for p in passages], dtype=np.float32).reshape(
            -1, 2
        )


VECTORS = {"claim": [1, 0], "far": [0, 5], "near": [3, 1], "also near": [6, 2], "long": [10, 20]}


def passages(*texts):
    return [Passage(pid=text[:4], text=text) for text in texts]


def test_by_cosine_and_of_equal_scores_the_earlier_candidate():
    row = Candidates(qid="0:0", claim="claim", passages=passages(*list(VECTORS)[1:]))
    (ranked,) = rerank([row], Table(VECTORS), k=3)
    assert [(r.pid, r.rank) for r in ranked.results] == [("near", 1), ("also", 2), ("long", 3)]
    assert ranked.results[0].score == pytest.approx(3 / np.sqrt(10))


def test_by_dot_product_length_counts():
    row = Candidates(qid="0:0", claim="claim", passages=passages(*list(VECTORS)[1:]))
    (ranked,) = rerank([row], Table(VECTORS, "dot"))
    assert [(r.pid, r.score) for r in ranked.results] == [
        ("long", 10),
        ("also", 6),
        ("near", 3),
        ("far", 0),
    ]


def test_a_query_without_candidates_has_an_empty_ranking_and_shared_ones_are_encoded_once():
    shared = passages("near", "far")
    rows = [
        Candidates(qid="0:0", claim="claim", passages=shared),
        Candidates(qid="0:1", claim="claim"),
        Candidates(qid="1:0", claim="claim", passages=shared),
    ]
    table = Table(VECTORS)
    assert [len(row.results) for row in rerank(rows, table)] == [2, 0, 2]
    assert table.asked == ["near", "far"]


def test_what_is_not_a_number_is_refused():
    bad = VECTORS | {"far": [np.nan, 0]}
    row = Candidates(qid="0:0", claim="claim", passages=passages("near", "far"))
    with pytest.raises(UserError, match="far: its vector"):
        rerank([row], Table(bad))
    with pytest.raises(UserError, match="query 0:0, passage b: its score is not a number"):
        by_score("0:0", ["a", "b"], np.array([1.0, np.nan]))
    with pytest.raises(UserError, match="k = 0"):
        rerank([row], Table(VECTORS), k=0)
