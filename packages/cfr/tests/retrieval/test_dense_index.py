import json

import numpy as np
import pytest
from cfr import DenseIndex
from cfr.inputs.files import read_texts
from cfr.retrieval.bm25 import words
from cfr.retrieval.nearest import recall, unit
from tenpapers.errors import UserError

DRAW = np.random.default_rng(3)
SMALL = DRAW.standard_normal((60, 8)).astype(np.float32)
ASKED = DRAW.standard_normal((5, 8)).astype(np.float32)
NAMES = [f"p{n}" for n in range(60)]


def by_sorting(vectors, asked, k):
    return np.argsort(-(asked @ vectors.T), axis=1, kind="stable")[:, :k]


def test_flat_search_is_a_sort_of_all_scores():
    draw = np.random.default_rng(0)
    vectors = draw.standard_normal((10_000, 384)).astype(np.float32)
    asked = draw.standard_normal((20, 384)).astype(np.float32)
    ids, scores = DenseIndex.build(vectors, range(10_000)).search(asked, 10)
    wanted = by_sorting(unit(vectors), unit(asked), 10)
    assert np.array_equal(ids, wanted)
    exact = np.take_along_axis(unit(asked) @ unit(vectors).T, wanted, 1)
    assert np.abs(scores - exact).max() < 1e-6


def test_dot_products_where_length_matters():
    ids, scores = DenseIndex.build(SMALL, NAMES, score="dot").search(ASKED, 4)
    wanted = by_sorting(SMALL, ASKED, 4)
    assert ids.tolist() == [[NAMES[row] for row in rows] for rows in wanted]
    assert np.abs(scores - np.take_along_axis(ASKED @ SMALL.T, wanted, 1)).max() < 1e-5
    cosine, _ = DenseIndex.build(SMALL, NAMES).search(ASKED, 4)
    assert not np.array_equal(ids, cosine)


def test_of_equal_scores_the_earlier_row_comes_first(monkeypatch):
    from cfr.retrieval import nearest

    monkeypatch.setattr(nearest, "BLOCK", 2)  # ties in several blocks
    vectors = np.array([[0, 1], [1, 0], [1, 0], [0, 1], [1, 0]], dtype=np.float32)
    ids, _ = DenseIndex.build(vectors, range(5)).search(np.array([[1.0, 0.0]]), 4)
    assert ids.tolist() == [[1, 2, 4, 0]]


@pytest.mark.parametrize("kind", ["flat", "ivf", "hnsw", "pq"])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_every_kind_saved_and_read_again_finds_the_same(tmp_path, kind, dtype):
    draw = np.random.default_rng(1)
    vectors = draw.standard_normal((700, 16)).astype(dtype)
    index = DenseIndex.build(vectors, [str(n) for n in range(700)], kind, model="m", shards=2)
    asked = draw.standard_normal((9, 16)).astype(np.float32)
    wanted = index.search(asked, 5)
    index.save(tmp_path)
    again = DenseIndex.load(tmp_path, model="m", score="cosine")
    found = again.search(asked, 5)
    assert np.array_equal(found[0], wanted[0]) and np.array_equal(found[1], wanted[1])
    exact = by_sorting(unit(vectors.astype(np.float32)), unit(asked), 5)
    assert recall(exact, found[0].astype(int)) > 0.8
    assert again.meta == index.meta and index.meta.parts == (0, 350)
    assert len(again.faiss_parts) == (0 if kind == "flat" else 2)


@pytest.mark.parametrize("kind", ["ivf", "hnsw", "pq"])
def test_parts_that_a_killed_build_wrote_are_read_and_nothing_else_changes(
    tmp_path, kind, monkeypatch
):
    from cfr.retrieval import dense_index

    rows = DRAW.standard_normal((400, 8)).astype(np.float16)
    whole = DenseIndex.build(rows, range(400), kind, shards=4)
    built = dense_index._Part.built
    calls = []

    def counted(part, tuned_with):
        calls.append(part)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return built(part, tuned_with)

    monkeypatch.setattr(dense_index._Part, "built", counted)
    with pytest.raises(KeyboardInterrupt):
        DenseIndex.build(rows, range(400), kind, shards=4, keep_parts=tmp_path)
    written = sorted(file.name for file in tmp_path.iterdir())
    assert written == ["index-00000.faiss", "index-00001.faiss"]
    again = DenseIndex.build(rows, range(400), kind, shards=4, keep_parts=tmp_path)
    assert len(calls) == 5  # two before the kill, the one that died, two more
    assert again.meta == whole.meta
    for found, wanted in zip(again.search(ASKED, 7), whole.search(ASKED, 7), strict=True):
        assert np.array_equal(found, wanted)


@pytest.mark.parametrize("kind", ["ivf", "pq"])
def test_the_same_seed_gives_the_same_index(tmp_path, kind):
    rows = DRAW.standard_normal((400, 8)).astype(np.float32)

    def lists(seed):
        DenseIndex.build(rows, range(400), kind, seed=seed).save(tmp_path / str(seed))
        return (tmp_path / str(seed) / "index-00000.faiss").read_bytes()

    assert lists(3) == lists(3) != lists(4)


def test_an_index_of_another_encoder_or_score_is_refused(tmp_path):
    DenseIndex.build(SMALL, NAMES, model="one").save(tmp_path)
    with pytest.raises(UserError, match="made with another encoder .*--force"):
        DenseIndex.load(tmp_path, model="two")
    with pytest.raises(UserError, match="made for cosine, the encoder for dot"):
        DenseIndex.load(tmp_path, model="one", score="dot")
    assert DenseIndex.load(tmp_path, model="two", score="dot", force=True).meta.model == "one"
    with pytest.raises(UserError, match="no index in it"):
        DenseIndex.load(tmp_path / "none")


def test_vectors_that_do_not_fit_are_refused():
    bad = SMALL.copy()
    bad[7, 3] = np.nan
    with pytest.raises(UserError, match="p7: its vector has a number that is not finite"):
        DenseIndex.build(bad, NAMES)
    with pytest.raises(UserError, match="60 vectors for 59 ids"):
        DenseIndex.build(SMALL, NAMES[1:])
    with pytest.raises(UserError, match="no passage to index"):
        DenseIndex.build(SMALL[:0], [])
    index = DenseIndex.build(SMALL, NAMES)
    with pytest.raises(UserError, match="queries of 4 dimensions, the index has 8"):
        index.search(ASKED[:, :4], 3)
    with pytest.raises(UserError, match="query 1: its vector"):
        index.search(np.where(np.arange(5)[:, None] == 1, np.inf, ASKED), 3)


def test_more_than_there_are_is_all_of_them_with_a_warning(caplog):
    ids, scores = DenseIndex.build(SMALL, NAMES).search(ASKED, 99)
    assert ids.shape == scores.shape == (5, 60)
    assert "k = 99, the index has 60 passages" in caplog.text


def test_nothing_is_pickled(tmp_path):
    DenseIndex.build(SMALL, NAMES, "ivf").save(tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["ids.npy", "index-00000.faiss", "index.json", "vectors.npy"]
    assert np.load(tmp_path / "ids.npy", allow_pickle=False).tolist() == NAMES
    assert json.loads((tmp_path / "index.json").read_text())["kind"] == "ivf"


def projected(texts, dim=384):
    """Vectors of texts without a model: random projections of their words."""
    draw = np.random.default_rng(5)
    known: dict[str, np.ndarray] = {}
    found = np.zeros((len(texts), dim), dtype=np.float32)
    for row, text in enumerate(texts):
        for word in set(words(text)):
            if word not in known:
                known[word] = draw.standard_normal(dim).astype(np.float32)
            found[row] += known[word]
    return found


@pytest.mark.acceptance
def test_approximate_search_of_real_passages_finds_what_exact_search_finds(data):
    texts = read_texts(data / "wiki_passages_6119.jsonl.gz")
    assert len(texts) == 6119
    asked = [" ".join(text.split()[:25]) for text in texts[::41]]
    vectors = projected([*texts, *asked])
    vectors, queries = vectors[: len(texts)], vectors[len(texts) :]
    exact, _ = DenseIndex.build(vectors, range(len(texts))).search(queries, 10)
    index = DenseIndex.build(vectors, range(len(texts)), "ivf")
    assert 0 < index.meta.probes[0] <= index.faiss_parts[0].nlist
    found, _ = index.search(queries, 10)
    assert recall(exact, found) >= 0.95
