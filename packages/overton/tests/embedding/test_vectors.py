import sqlite3
import time

import numpy as np
import pytest
import torch
from overton import SampleSet
from overton.embedding.semantic_diversity import cross_homogenisation, semantic_diversity
from overton.embedding.vectors import TextVectors


@pytest.fixture(scope="module")
def vectors(tmp_path_factory):

    made = TextVectors(cache=False)
    made._file = tmp_path_factory.mktemp("cache") / "vectors.sqlite"
    return made


def test_vectors_come_back_from_the_cache_bit_for_bit(vectors, monkeypatch):
    texts = ["a red car", "the sea", "a red car"]
    first = vectors.of(texts)
    assert first.shape == (3, 384) and (first[0] == first[2]).all()
    assert np.linalg.norm(first, axis=1) == pytest.approx(1, abs=1e-5)
    monkeypatch.setattr(type(vectors), "encoder", None)
    assert (vectors.of(texts[:2]) == first[:2]).all()


def test_cores_share_the_texts_and_the_vectors_stay_in_order(vectors, monkeypatch):
    monkeypatch.setattr("overton.embedding.vectors._CHUNK", 3)
    texts = [f"text {n} {'sea ' * (n % 5)}" for n in range(11)]
    one_by_one = np.stack([vectors.encoder.encode([text], max_length=256)[0] for text in texts])
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        plain = TextVectors(cache=False)
        plain._encoder = vectors.encoder
        assert plain.of(texts) == pytest.approx(one_by_one, abs=1e-5)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def remembering(encoder, file):
    made = TextVectors(cache=False)
    made._encoder, made._file = encoder, file
    return made


@pytest.mark.parametrize("damage", ["no database", "cut off", "overwritten"])
def test_a_damaged_cache_is_begun_anew_with_a_warning(
    damage, vectors, tmp_path, caplog, monkeypatch
):
    texts = [f"text {n}" for n in range(12)]
    kept = remembering(vectors.encoder, tmp_path / "kept.sqlite")
    whole = kept.of(texts)
    content = kept._file.read_bytes()
    middle = len(content) // 2
    damaged = {
        "no database": b"no database " * 100,
        "cut off": content[:middle],
        "overwritten": content[:4096] + b"\xff" * (len(content) - 4096),
    }
    kept._file.write_bytes(damaged[damage])
    assert kept.of(texts) == pytest.approx(whole, abs=1e-5)
    assert "it is begun anew" in caplog.text and "not remembered" not in caplog.text
    caplog.clear()
    monkeypatch.setattr(TextVectors, "encoder", None)  # what was remembered since needs none
    assert remembering(None, kept._file).of(texts) == pytest.approx(whole, abs=1e-5)
    assert not caplog.text


@pytest.mark.parametrize("blocked", ["a file where its folder is to be", "a folder in its place"])
def test_a_cache_that_cannot_be_used_is_a_warning(blocked, vectors, tmp_path, caplog):
    (tmp_path / "file").write_bytes(b"")
    file = {"a folder in its place": tmp_path}.get(blocked, tmp_path / "file" / "kept.sqlite")
    assert (remembering(vectors.encoder, file).of(["sea"]) == vectors.of(["sea"])).all()
    assert "vectors are not remembered" in caplog.text and tmp_path.is_dir()


def test_a_vector_that_was_damaged_is_made_again(vectors, tmp_path):
    texts = [f"text {n}" for n in range(8)]
    kept = remembering(vectors.encoder, tmp_path / "kept.sqlite")
    whole = kept.of(texts)
    rows = [None, "words", b"", b"abc", np.full(384, np.nan, np.float32).tobytes()]
    rows.append(np.ones(1, np.float32).tobytes())
    with sqlite3.connect(kept._file) as opened:
        keys = [key for (key,) in opened.execute("SELECT key FROM vectors")]
        opened.executemany(
            "UPDATE vectors SET vector = ? WHERE key = ?", zip(rows, keys, strict=False)
        )
    again = kept.of([*texts, "another"])
    assert again[:-1] == pytest.approx(whole, abs=1e-5)


class Slow:
    """An encoder of which one sees how much it was asked."""

    asked = 0

    def encode(self, texts, *, max_length):
        type(self).asked += 1
        time.sleep(0.02)
        return np.eye(len(texts), 4, dtype=np.float32)


def test_an_interruption_drops_what_no_core_has_begun(vectors, tmp_path, monkeypatch):
    def interrupt(self, new):
        raise KeyboardInterrupt

    monkeypatch.setattr("overton.embedding.vectors._Store.write", interrupt)
    slow = remembering(Slow(), tmp_path / "slow.sqlite")
    with pytest.raises(KeyboardInterrupt):
        slow.of([f"text {n}" for n in range(800)])
    begun = Slow.asked
    time.sleep(0.2)
    assert Slow.asked == begun < 20


def samples(name, *texts):
    return SampleSet(name, list(range(len(texts))), texts, [["stop"] * len(t) for t in texts])


def test_semantic_diversity_is_over_pairs_then_questions(vectors):
    texts = ["a red car", "the sea", "a red car"]
    a, b, _ = vectors.of(texts)
    one = samples("one", texts, ["alone"])
    likeness = (2 * float(a @ b) + 1) / 3
    found = semantic_diversity(one, vectors)
    assert found["questions"] == 1
    assert found["homogenisation"] == pytest.approx(likeness, abs=1e-5)
    assert found["diversity"] == pytest.approx(1 - likeness, abs=1e-5)
    other = samples("other", ["the sea"], [None])
    wanted = float((2 * (a @ b) + 1) / 3)
    assert cross_homogenisation(one, other, vectors) == pytest.approx(wanted, abs=1e-5)
