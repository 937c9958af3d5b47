import numpy as np
import pytest
from cfr.inputs.files import read_texts
from cfr.retrieval.bench import (
    BenchSettings,
    bench_bm25,
    bench_embed,
    bench_search,
    padding_factors,
    shuffled_texts,
)

TEXTS = ["oil prices rose", "the vaccine was tested in mice " * 3, "a", "b c"] * 3


def test_both_ways_of_encoding_give_the_same_vectors(encoder):
    found = bench_embed(TEXTS, encoder, 64)
    assert found["largest_difference"] < 1e-5
    assert found["texts"] == 12 and found["tokens"] == sum(
        len(ids) for ids in encoder.tokens(TEXTS, 64)
    )


def test_padding_is_counted():
    factors = padding_factors([10, 2, 10, 2], budget=20)
    assert factors == {"ours": 1.0, "file order": 40 / 24}


def test_every_kind_of_index_is_measured():
    found = bench_search(BenchSettings(vectors=600, queries=5, dim=8))
    assert [row["kind"] for row in found["indexes"]] == ["flat", "ivf", "hnsw", "pq"]
    assert found["indexes"][0]["recall@10"] == 1 and found["indexes"][0]["bytes_a_vector"] == 32
    assert all(row["recall@10"] > 0.7 for row in found["indexes"])


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
