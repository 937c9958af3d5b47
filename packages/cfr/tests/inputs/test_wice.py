import pytest
from cfr.inputs.wice import TRAIN_ROWS, packed, read_wice
from tenpapers.errors import UserError
from tenpapers.testing import write_rows

ROW = {
    "claim": "Oil burns.",
    "label": "supported",
    "evidence": ["(meta data) TITLE: About oil", "a b c", "d e f g", "h"],
    "supporting_sentences": [[1], [3]],
}


def test_sentences_are_packed_and_a_longer_one_stands_alone():
    assert packed([40, 60, 1, 150, 3, 97], 100) == [[0, 1], [2], [3], [4, 5]]


def test_windows_with_any_supporting_sentence_are_relevant(tmp_path):
    (found,) = read_wice(write_rows(tmp_path / "dev.jsonl", [ROW]), words=7)
    assert [(p.pid, p.title, p.text, p.start, p.end) for p in found.passages] == [
        ("0#0", "About oil", "(meta data) TITLE: About oil", 0, 5),
        ("0#1", "About oil", "a b c d e f g", 5, 12),
        ("0#2", "About oil", "h", 12, 13),
    ]
    assert (found.qid, found.claim, found.relevant) == ("0:0", "Oil burns.", ["0#1", "0#2"])


def test_a_sentence_that_is_not_there_is_refused(tmp_path):
    row = ROW | {"supporting_sentences": [[4]]}
    with pytest.raises(UserError, match=r"dev.jsonl:1: supporting sentence 4 of 4"):
        read_wice(write_rows(tmp_path / "dev.jsonl", [row]))


@pytest.mark.acceptance
def test_the_development_set(data):
    pools = read_wice(data / "wice_claim_dev.jsonl.gz")
    assert (len(pools), sum(len(pool.passages) for pool in pools)) == (349, 5504)
    positive = [bool(pool.relevant) for pool in pools]
    assert (sum(positive), sum(positive[:TRAIN_ROWS])) == (319, 219)
