import numpy as np
import pytest
from synthesizrr.sourcing.okapi import Bm25Index
from tenpapers.errors import UserError


def ranked(scores):
    return np.argsort(-scores, kind="stable").tolist()


def test_bm25_equals_rank_bm25():
    """Scores to 1e-9 and the same ranking, with a word in more than half of the documents."""
    draw = np.random.default_rng(0)
    vocabulary = [f"w{i}" for i in range(40)]
    documents = [
        " ".join(draw.choice(vocabulary, draw.integers(3, 20))) + (" the" if i % 4 else "")
        for i in range(200)
    ]
    named = [(str(i), text) for i, text in enumerate(documents)]
    index = Bm25Index.build(named, str.split)
    peer = pytest.importorskip("rank_bm25").BM25Okapi([text.split() for text in documents])
    for query in ("w1 w2 the", "w3 w3 w9", "the", "unknown w5", "the the w7", ""):
        expected = peer.get_scores(query.split())
        assert np.abs(index.scores(query) - expected).max() < 1e-9
        _, (ids,) = index.search([query], 200)
        assert ids.tolist() == [str(row) for row in ranked(expected)]


def test_weights_by_hand():
    """Three documents; "b" is in two of them, so its idf is 0.25 times the mean of all."""
    index = Bm25Index.build([("1", "a b"), ("2", "b b c"), ("3", "d")], str.split)
    rare, frequent = np.log(2.5 / 1.5), np.log(1.5 / 2.5)
    frequent = 0.25 * (3 * rare + frequent) / 4
    # Lengths 2, 3, 1, mean 2: the share of a length is 1, 1.375 and 0.625.
    expected = [
        rare * 2.5 / (1 + 1.5) + frequent * 2.5 / (1 + 1.5),
        frequent * 2 * 2.5 / (2 + 1.5 * 1.375),
        0,
    ]
    assert index.scores("a b") == pytest.approx(expected, abs=1e-12)


def test_results_are_of_the_corpus_and_equal_ones_in_its_order():
    index = Bm25Index.build([("x", "a"), ("y", "b"), ("z", "a"), ("v", "c"), ("w", "d")], str.split)
    scores, ids = index.search(["a", "nothing"], 300)
    assert ids.tolist() == [list("xzyvw"), list("xyzvw")] and scores[1].tolist() == [0] * 5
    assert index.search(["a"], 1)[1].tolist() == [["x"]]
    with pytest.raises(UserError, match="k = 0: 1 or more results"):
        index.search(["a"], 0)
    with pytest.raises(UserError, match="no document with a word"):
        Bm25Index.build([("a", "")], str.split)
