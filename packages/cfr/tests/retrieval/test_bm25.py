import numpy as np
import pytest
from cfr import BM25
from cfr.records import Passage
from cfr.retrieval.bm25 import best_rows, words
from hypothesis import given
from hypothesis import strategies as st
from tenpapers.errors import UserError

CORPUS = [
    "the vaccine was tested in mice",
    "the vaccine contains no fetal tissue",
    "trump praised the vaccine",
    "oil prices rose sharply",
]


def test_scores_of_four_sentences():
    ids, scores = BM25(CORPUS).search(["vaccine fetal tissue"], 4)
    assert ids.tolist() == [[1, 2, 0, 3]] and (ids.dtype, scores.dtype) == (np.int64, np.float32)
    assert np.abs(scores - [[1.01454, 0.15678, 0.13089, 0]]).max() < 1e-4
    passages = [Passage(pid=str(n), text=text) for n, text in enumerate(CORPUS)]
    assert np.array_equal(BM25(passages).search(["vaccine fetal tissue"], 4)[1], scores)


def test_the_formula_in_words():
    texts = ["oil oil rose", "tea", "oil fell and rose and fell"]
    lengths, mean = np.array([3, 1, 6]), 10 / 3
    counts = {"oil": np.array([2, 0, 1]), "fell": np.array([0, 0, 2])}
    wanted = np.zeros(3)
    for word in ("oil", "fell", "fell"):  # a word counts as often as the query has it
        df = (counts[word] > 0).sum()
        idf = np.log(1 + (3 - df + 0.5) / (df + 0.5))
        tf = counts[word]
        wanted += idf * tf / (tf + 1.5 * (0.25 + 0.75 * lengths / mean))
    assert np.abs(BM25(texts).scores("Oil fell, FELL!") - wanted).max() < 1e-6


def test_ties_keep_the_order_of_the_corpus():
    ids, _ = BM25(["b a", "a b", "c", "a b", "d"]).search(["a"], 4)
    assert ids.tolist() == [[0, 1, 3, 2]]


def test_what_is_not_there_is_minus_one():
    ids, scores = BM25(["a", "b"]).search(["b", "z"], 3)
    assert ids.tolist() == [[1, 0, -1], [0, 1, -1]]
    assert scores[:, 2].tolist() == [0, 0] and scores[1].tolist() == [0, 0, 0]


def test_a_search_within_some_rows_keeps_the_weights_of_all():
    index = BM25(CORPUS)
    ids, scores = index.search(["vaccine fetal tissue"] * 2, 2, within=[[0, 3], [2]])
    assert ids.tolist() == [[0, 3], [2, -1]]
    assert np.abs(scores - [[0.13089, 0], [0.15678, 0]]).max() < 1e-4


def test_titles_are_searched():
    passages = [Passage(pid="0", text="it rose"), Passage(pid="1", title="Oil", text="it rose")]
    assert BM25(passages).search(["oil"], 1)[0].tolist() == [[1]]


def test_words_are_in_lower_case_without_signs():
    assert words("Sean's  £5-bill, É!") == ["sean", "s", "5", "bill", "é"]


def test_nothing_to_index_and_nothing_wanted():
    with pytest.raises(UserError, match="no passage with a word"):
        BM25(["", "?"])
    with pytest.raises(UserError, match="k = 0"):
        BM25(["a"]).search(["a"], 0)


@given(st.lists(st.integers(0, 3), max_size=12), st.integers(1, 14))
def test_the_best_rows_are_those_of_a_stable_sort(scores, k):
    values = np.array(scores, dtype=np.float32)
    assert best_rows(values, k).tolist() == np.argsort(-values, kind="stable")[:k].tolist()


def mean_reciprocal_rank(ids, relevant):
    ranks = []
    for row, own in zip(ids, relevant, strict=True):
        ranks.append(1 + min(place for place, found in enumerate(row.tolist()) if found in own))
    return float(np.mean([1 / rank for rank in ranks]))


@pytest.mark.acceptance
def test_bm25_on_the_pool_of_four_hundred_claims(data):
    from cfr.inputs.averitec_pool import averitec_pool
    from cfr.retrieval.query_form import word_query

    pool = averitec_pool(data)
    row_of = {passage.pid: row for row, passage in enumerate(pool.passages)}
    texts = [word_query(query.query) for query in pool.test]
    relevant = [{row_of[pid] for pid in query.relevant} for query in pool.test]
    ids, _ = BM25(pool.passages).search(texts, len(pool.passages))
    assert mean_reciprocal_rank(ids, relevant) == pytest.approx(0.200, abs=0.02)


@pytest.mark.acceptance
def test_bm25_within_the_articles_of_wice(data):
    from cfr.inputs.wice import TRAIN_ROWS, read_wice

    pools = read_wice(data / "wice_claim_dev.jsonl.gz")
    passages = [passage for pool in pools for passage in pool.passages]
    row_of = {passage.pid: row for row, passage in enumerate(passages)}
    test = [pool for pool in pools[TRAIN_ROWS:] if pool.relevant]
    within = [[row_of[passage.pid] for passage in pool.passages] for pool in test]
    relevant = [{row_of[pid] for pid in pool.relevant} for pool in test]
    index = BM25(passages)
    ids, _ = index.search([pool.claim for pool in test], 99, within=within)
    assert len(test) == 100
    assert mean_reciprocal_rank(ids, relevant) == pytest.approx(0.926, abs=0.02)
