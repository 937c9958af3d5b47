import numpy as np
import pytest
from tenpapers.embedding import Bm25Index, words
from tenpapers.errors import UserError


def test_bm25_equals_rank_bm25():
    """Scores to 1e-9, with a word in more than half of the documents and a repeated one."""
    from rank_bm25 import BM25Okapi

    draw = np.random.default_rng(0)
    vocabulary = [f"w{i}" for i in range(40)]
    documents = [
        " ".join(draw.choice(vocabulary, draw.integers(3, 20))) + (" the" if i % 4 else "")
        for i in range(200)
    ]
    index = Bm25Index.build([(str(i), text) for i, text in enumerate(documents)])
    peer = BM25Okapi([words(text) for text in documents])
    for query in ("w1 w2 the", "w3 w3 w9", "the", "unknown w5"):
        assert np.abs(index.scores(query) - peer.get_scores(words(query))).max() < 1e-9
    scores, ids = index.search(["w1 w2", "nothing"], 300)
    assert ids.shape == (2, 200) and (np.diff(scores[0]) <= 0).all()
    assert ids[1].tolist() == [str(i) for i in range(200)]  # all equal: in their order
    with pytest.raises(UserError, match="no document with a word"):
        Bm25Index.build([("a", "")])


def test_words_are_kept_as_they_stand():
    assert words("The U.S. fell 3%!") == ["The", "U", ".", "S", ".", "fell", "3", "%", "!"]
