import pytest
from dcr.inputs.qmsum import read_qmsum
from tenpapers.errors import UserError
from tenpapers.testing import write_rows

MEETING = {
    "specific_query_list": [
        {"query": "too short?", "answer": "x", "relevant_text_span": [["0", "0"]]},
        {
            "query": "Why tea?",
            "answer": "It is hot.",
            "relevant_text_span": [["2", "3"], ["0", "0"]],
        },
    ],
    "meeting_transcripts": [
        {"speaker": "ANN", "content": "Tea " * 20},
        {"speaker": "BOB", "content": "Milk."},
        {"speaker": "ANN", "content": "Hot " * 19},
        {"speaker": "BOB", "content": "Yes."},
    ],
}


def test_the_turns_of_a_question_are_its_document(tmp_path):
    (row,) = read_qmsum(write_rows(tmp_path / "val.jsonl", [MEETING]))
    assert row.document.split("\n") == [f"ANN: {'Tea ' * 20}", f"ANN: {'Hot ' * 19}", "BOB: Yes."]
    assert (row.id, row.topic) == ("val_0_1", "Why tea?")
    assert row.response == row.reference == "It is hot."
    assert row.model_extra == {"n_words": 43}


def test_excerpts_of_the_published_meetings(data):
    rows = read_qmsum(data / "qmsum_excerpts.jsonl.gz")
    assert len(rows) == 123
    assert all(row.topic and row.document and row.response for row in rows)


def test_what_is_no_row_of_qmsum_is_told(tmp_path):
    with pytest.raises(UserError, match="val.jsonl:1: is no row of QMSum"):
        read_qmsum(write_rows(tmp_path / "val.jsonl", [{"id": 1}]))
