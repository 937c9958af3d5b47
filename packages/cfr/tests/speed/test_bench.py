import numpy as np
import pytest
from cfr.inputs.files import read_texts
from cfr.speed.bench import bench_bm25
from cfr.speed.encoding import bench_embed, padding_factors
from cfr.speed.indexes import bench_search, clustered
from cfr.speed.settings import BenchSettings
from cfr.speed.texts import shuffled_texts

TEXTS = ["oil prices rose", "the vaccine was tested in mice " * 3, "a", "b c"] * 3


def test_both_ways_of_encoding_give_the_same_vectors(encoder):
    found = bench_embed(TEXTS, encoder, 64)
    assert found["largest_difference"] < 1e-5
    assert found["texts"] == 12 and found["tokens"] == sum(
        len(ids) for ids in encoder.tokens(TEXTS, 64)
    )


def test_a_peer_of_some_texts_is_estimated_for_all_by_its_padded_tokens(encoder, monkeypatch):
    from cfr.speed import encoding

    monkeypatch.setattr(encoding, "_PEER_BATCH", 2)
    texts = ["the vaccine", "oil prices rose fell", "oil", "the"]  # with [CLS] and [SEP]: 4 6 3 3
    found = bench_embed(texts, encoder, 64, peer_texts=2)
    peer, for_all = found["seconds"]["peer"], found["peer_for_all"]
    assert found["peer_texts"] == 2
    assert for_all["wall"] == pytest.approx(peer["wall"] * (12 + 6) / 12)


def test_padding_is_counted():
    factors = padding_factors([10, 2, 10, 2], budget=20)
    assert factors == {"ours": 1.0, "file order": 40 / 24}


def test_every_kind_of_index_is_measured():
    found = bench_search(BenchSettings(vectors=600, queries=5, dim=8))
    peer, *rows = found["indexes"]
    assert peer["kind"] == "peer" and [row["kind"] for row in rows] == ["flat", "ivf", "hnsw", "pq"]
    assert rows[0]["recall@10"] == 1 and rows[0]["bytes_a_vector"] == 32
    assert all(row["recall@10"] > 0.7 for row in rows)
    half = bench_search(BenchSettings(vectors=600, queries=5, dim=8, dtype="fp16", kind="pq"))
    assert [row["kind"] for row in half["indexes"]] == ["peer", "flat", "pq"]
    assert half["indexes"][1]["bytes_a_vector"] == 16


def test_an_index_that_would_take_too_long_is_not_built_and_says_so(monkeypatch):
    from cfr.speed import indexes

    monkeypatch.setattr(indexes, "_PROBED", 300)
    found = bench_search(BenchSettings(vectors=600, queries=5, dim=8, longest_build=0))
    row = next(row for row in found["indexes"] if row["kind"] == "hnsw")
    assert row.keys() == {"kind", "not_built"}
    assert "--longest-build is 0" in row["not_built"] and row["not_built"].startswith("300 rows")


def test_vectors_are_drawn_round_real_ones_which_are_among_them():
    real = np.array([[3.0, 0], [0, 2.0]], dtype=np.float32)
    vectors, asked = clustered(BenchSettings(vectors=50, queries=4), real)
    assert vectors[:2].tolist() == [[1, 0], [0, 1]] and asked.shape == (4, 2)
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-6
    again, _ = clustered(BenchSettings(vectors=50, queries=4), real)
    assert np.array_equal(vectors, again)


def test_texts_are_made_up_where_there_are_none(tmp_path):
    settings = BenchSettings(texts=3, data=tmp_path / "none")
    assert shuffled_texts(settings) == shuffled_texts(settings)
    assert len(shuffled_texts(settings)) == 3


@pytest.mark.acceptance
def test_real_passages_are_hardly_padded(data, minilm):
    texts = read_texts(data / "wiki_passages_6119.jsonl.gz")
    chosen = np.random.default_rng(0).permutation(len(texts))[:2000]
    lengths = [len(ids) for ids in minilm.tokens([texts[row] for row in chosen], 512)]
    factors = padding_factors(lengths)
    assert factors["ours"] <= 1.1
    assert factors["file order"] >= 3 * factors["ours"]


@pytest.mark.acceptance
def test_bm25_is_fifty_times_as_fast_as_its_peer(data):
    texts = read_texts(data / "wiki_passages_6119.jsonl.gz")
    found = bench_bm25(texts, 20)
    assert found["ratio"] >= 50
