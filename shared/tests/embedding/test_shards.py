import json
from types import SimpleNamespace

import numpy as np
import pytest
from tenpapers.embedding import EmbeddingShards, Encoder, search
from tenpapers.errors import UserError


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


@pytest.fixture
def counter():
    """An encoder whose vectors are the numbers of letters and of vowels."""
    return SimpleNamespace(
        name="counter",
        identity="1",
        dim=2,
        normalize=False,
        encode=lambda texts, **_: np.array(
            [[len(text), sum(text.count(vowel) for vowel in "aeiou")] for text in texts]
        ),
    )


def test_ids_come_back_whatever_unicode_takes_for_a_line_end(counter, tmp_path):
    documents = [("a\u2028b", "one"), ("c\x85d\x0ce", "three"), ("ä\x1c", "")]
    shards = EmbeddingShards.build(tmp_path, counter, iter(documents), shard_size=2)
    assert [list(ids) for ids, _ in shards] == [["a\u2028b", "c\x85d\x0ce"], ["ä\x1c"]]
    assert [vectors.tolist() for _, vectors in shards] == [[[3, 2], [5, 2]], [[0, 0]]]


def test_a_shard_that_does_not_fit_its_ids_is_told(counter, tmp_path):
    shards = EmbeddingShards.build(tmp_path, counter, iter([("a", "one"), ("b", "two")]))
    (tmp_path / "ids-00000.txt").write_text("a\n")
    with pytest.raises(UserError, match=r"emb-00000\.npy: \(2, 2\) numbers for 1 ids of 2 dim"):
        list(shards)


@pytest.mark.parametrize("name", ["a\nb", "a\rb"])
def test_an_id_with_a_line_end_is_told(counter, tmp_path, name):
    with pytest.raises(UserError, match="an id cannot hold a line end"):
        EmbeddingShards.build(tmp_path, counter, iter([(name, "one")]))


def test_a_text_whose_vector_is_not_finite_is_named(counter, tmp_path):
    """70,000 letters are more than float16 holds."""
    documents = [("short", "one"), ("long", "x" * 70_000)]
    with pytest.raises(UserError, match="long: its vector has a number that is not finite"):
        EmbeddingShards.build(tmp_path, counter, iter(documents))


def test_another_model_of_the_same_name_is_another_encoder(counter, tmp_path):
    EmbeddingShards.build(tmp_path, counter, iter([("a", "one")]))
    counter.identity = "2"
    with pytest.raises(UserError, match="embeddings of other settings"):
        EmbeddingShards.build(tmp_path, counter, iter([("a", "one")]))
