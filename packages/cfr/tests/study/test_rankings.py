import numpy as np
import pytest
from cfr.inputs.averitec_pool import PooledQuery
from cfr.records import Passage, Pool, Query
from cfr.study.corpora import corpus_of
from cfr.study.rankings import Reranked, best, first_ranks, mean_reciprocal, standardized

A, B, C = (Passage(pid=name, text=f"text {name}") for name in "abc")
TRAIN = Pool(qid="1:0", claim="one", passages=[A, B], relevant=["b"])
TEST = Pool(qid="2:0", claim="two", passages=[C, A], relevant=["a"])
CORPUS = corpus_of("made up", [TRAIN], [TEST], ("own", "all"))


def test_a_passage_of_two_pools_stands_once():
    assert [passage.pid for passage in CORPUS.passages] == ["a", "b", "c"]
    assert CORPUS.rows("own", "2:0").tolist() == [2, 0]
    assert CORPUS.rows("all", "2:0").tolist() == [0, 1, 2]


def test_ranks_are_those_in_each_pool_and_of_equal_scores_the_earlier_is_first():
    scores = np.array([[0.5, 0.9, 0.5]])
    assert first_ranks(CORPUS, CORPUS.test, scores) == {"own": {"2:0": 2}, "all": {"2:0": 2}}
    found = best(CORPUS, CORPUS.test, scores, 1)
    assert [passage.pid for passage in found[0].passages] == ["c"]


def test_a_query_without_a_relevant_passage_in_a_pool_is_left_out():
    query = PooledQuery(Query(qid="2:0", claim="two"), frozenset({"b"}), False)
    assert first_ranks(CORPUS, [query], np.zeros((1, 3))) == {"own": {}, "all": {"2:0": 2}}


class Given:
    def __init__(self, *rows):
        self.rows = np.array(rows, dtype=float)

    def scores(self, queries):
        return self.rows


def test_what_the_first_stage_leaves_out_stands_behind():
    found = Reranked(Given([3, 2, 1]), Given([0.1, 0.2, 0.9]), depth=2).scores(CORPUS.test)
    assert np.argsort(-found, axis=1).tolist() == [[1, 0, 2]]


def test_standard_scores_of_equal_ones_are_all_zero():
    assert standardized(np.array([[1.0, 3.0], [2.0, 2.0]])).tolist() == [[-1, 1], [0, 0]]


def test_the_mean_of_reciprocal_ranks():
    assert mean_reciprocal({"1:0": 1, "2:0": 4}) == pytest.approx(0.625)
