"""Encoders, exact search over shards, faiss indexes, BM25."""

import json

import numpy as np
import pytest
import torch
from tenpapers.embedding import Bm25Index, DenseIndex, EmbeddingShards, Encoder, search, words
from tenpapers.errors import UserError

TEXTS = [
    "A cat sat on the mat.",
    "The stock market fell sharply today.",
    "Kittens sleep a lot.",
    "Shares lost value on Monday.",
    "",
    "x" * 3000,
]


@pytest.fixture(scope="module")
def encoder():
    return Encoder.load("minilm", device="cpu")


def test_vectors_are_the_mean_of_the_hidden_states_whatever_the_batch(encoder, monkeypatch):
    together = encoder.encode(TEXTS)
    monkeypatch.setitem(
        __import__("tenpapers.embedding.encoder", fromlist=["x"]).BATCH_TOKENS, "cpu", 1
    )
    assert np.allclose(encoder.encode(TEXTS), together, atol=1e-5)
    assert together.shape == (6, 384) and together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    batch = encoder.tokenizer([TEXTS[0]], return_tensors="pt")
    with torch.inference_mode():
        mean = encoder.model(**batch).last_hidden_state[0].mean(0).numpy()
    assert np.allclose(together[0], mean / np.linalg.norm(mean), atol=1e-5)
    cosine = together @ together.T
    assert cosine[0, 2] > cosine[0, 1] and cosine[1, 3] > cosine[1, 0]
    assert encoder.encode([]).shape == (0, 384)


def test_an_encoder_that_is_not_there_is_told():
    with pytest.raises(UserError, match="encoder /no/such: cannot be loaded"):
        Encoder.load("/no/such")


def corpus(n=64, d=16, seed=0):
    draw = np.random.default_rng(seed)
    return draw.standard_normal((n, d)).astype(np.float32), [f"d{i}" for i in range(n)]


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

    assert peak(100) < 1.1 * peak(10)


def test_search_refuses_what_does_not_fit():
    vectors, ids = corpus()
    with pytest.raises(UserError, match="queries have 8 dimensions"):
        search(vectors[:1, :8], [(ids, vectors)], 3)
    with pytest.raises(UserError, match="no document"):
        search(vectors[:1], [], 3)
    with pytest.raises(UserError, match="metric l2"):
        search(vectors[:1], [(ids, vectors)], 3, metric="l2")


def test_shards_are_built_once_and_resumed(encoder, tmp_path, monkeypatch):
    """Killed after the first shard, only the rest is encoded; other settings are refused."""
    documents = [(f"d{i}", f"Text number {i} about {i % 3} cats.") for i in range(10)]
    calls = []
    whole = Encoder.encode

    def counted(self, texts, **more):
        if len(calls) == 1:
            raise KeyboardInterrupt
        calls.append(len(texts))
        return whole(self, texts, **more)

    monkeypatch.setattr(Encoder, "encode", counted)
    with pytest.raises(KeyboardInterrupt):
        EmbeddingShards.build(tmp_path, encoder, iter(documents), shard_size=4)
    assert not (tmp_path / "meta.json").exists()
    monkeypatch.setattr(Encoder, "encode", lambda s, t, **m: calls.append(len(t)) or whole(s, t))
    shards = EmbeddingShards.build(tmp_path, encoder, iter(documents), shard_size=4)
    assert calls == [4, 4, 2] and len(shards) == 10
    assert [len(ids) for ids, _ in shards] == [4, 4, 2]
    meta = json.loads((tmp_path / "meta.json").read_text())
    assert meta["encoder"] == "minilm" and meta["dim"] == 384 and meta["normalised"]
    scores, found = search(whole(encoder, [documents[7][1]]), shards, 3)
    assert found[0, 0] == "d7" and scores[0, 0] == pytest.approx(1, abs=1e-3)
    with pytest.raises(UserError, match="other settings"):
        EmbeddingShards.build(tmp_path, encoder, iter(documents), shard_size=5)
    with pytest.raises(UserError, match="no document"):
        EmbeddingShards.build(tmp_path / "none", encoder, iter([]))


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
