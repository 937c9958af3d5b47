import numpy as np
import pytest
from cfr.records import Passage, Query
from cfr.retrieval import vectors
from cfr.retrieval.encoder import Encoder
from cfr.retrieval.vectors import VectorCache, embed_file, read_array
from tenpapers.errors import UserError

WORDS = ["the", "vaccine", "was", "tested", "in", "mice", "oil", "prices", "rose", "fell"]
PASSAGES = [Passage(pid=f"p{n}", text=" ".join(WORDS[n % 7 : n % 7 + 3])) for n in range(20)]


class Counting(Encoder):
    """The encoder, counting its texts and dying at one of them."""

    texts, dies_at = 0, None

    def encode(self, texts, *arguments, **named):
        self.texts += len(texts)
        if self.dies_at is not None and self.texts > self.dies_at:
            raise KeyboardInterrupt
        return super().encode(texts, *arguments, **named)


@pytest.fixture
def counting(encoder):
    return Counting(encoder.model, encoder.tokenizer, "tiny", identity=encoder.identity)


def test_a_killed_run_goes_on_with_what_is_missing(tmp_path, counting, monkeypatch):
    monkeypatch.setattr(vectors, "_BLOCK", 8)
    file, marks = tmp_path / "vectors.npy", tmp_path / "done.npy"
    counting.dies_at = 17
    with pytest.raises(KeyboardInterrupt):
        embed_file(PASSAGES, counting, file, marks)
    assert np.load(marks).tolist() == [True] * 16 + [False] * 4
    counting.dies_at, counting.texts = None, 0
    found = embed_file(PASSAGES, counting, file, marks)
    assert counting.texts == 4
    assert np.abs(found - counting.encode_passages(PASSAGES)).max() < 1e-6


def test_half_precision_on_disk(tmp_path, encoder):
    found = embed_file(PASSAGES, encoder, tmp_path / "v.npy", tmp_path / "m.npy", dtype="fp16")
    assert found.dtype == np.float16 and isinstance(found, np.memmap)
    assert np.abs(found - encoder.encode_passages(PASSAGES)).max() < 1e-3


def test_an_array_of_another_shape_is_begun_anew(tmp_path, encoder):
    file, marks = tmp_path / "v.npy", tmp_path / "m.npy"
    embed_file(PASSAGES, encoder, file, marks)
    assert embed_file(PASSAGES[:3], encoder, file, marks).shape == (3, 32)


def test_a_pickle_is_never_read(tmp_path):
    np.save(tmp_path / "evil.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match="is no array of numbers"):
        read_array(tmp_path / "evil.npy")
    with pytest.raises(UserError, match="no such file"):
        read_array(tmp_path / "none.npy")


def test_each_text_is_encoded_once_also_between_runs(tmp_path, counting):
    cache = VectorCache(counting, tmp_path)
    first = cache.encode_passages(PASSAGES)
    distinct = len({passage.text for passage in PASSAGES})
    assert cache.encoded == counting.texts == distinct == 7
    again = VectorCache(counting, tmp_path)
    assert np.array_equal(again.encode_passages(PASSAGES[::-1]), first[::-1])
    assert again.encoded == 0
    assert np.abs(first - counting.encode_passages(PASSAGES)).max() < 1e-5


def test_a_record_that_a_kill_cut_off_is_dropped(tmp_path, counting):
    cache = VectorCache(counting, tmp_path)
    wanted = cache.encode_passages(PASSAGES)
    (file,) = tmp_path.glob("*.bin")
    file.write_bytes(file.read_bytes()[:-5])
    again = VectorCache(counting, tmp_path)
    assert np.abs(again.encode_passages(PASSAGES) - wanted).max() < 1e-5
    assert again.encoded == 1


def test_queries_and_other_lengths_are_remembered_apart(tmp_path, counting):
    cache = VectorCache(counting, tmp_path)
    cache.of(["oil prices rose"], 4)
    cache.of(["oil prices rose"], 8)
    assert cache.encoded == 2
    query = Query(qid="0:0", claim="oil", question="rose")
    assert np.abs(cache.encode_queries([query]) - counting.encode_queries([query])).max() < 1e-6
    assert cache.of([], 8).shape == (0, 32)


def test_where_nothing_can_be_kept_nothing_is_lost(tmp_path, counting, caplog):
    (tmp_path / "file").write_text("in the way")
    cache = VectorCache(counting, tmp_path / "file")
    found = cache.encode_passages(PASSAGES)
    assert np.abs(found - counting.encode_passages(PASSAGES)).max() < 1e-5
    assert "vectors are not remembered" in caplog.text and cache.encoded == 7
