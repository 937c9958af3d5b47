import pytest
from dcr.records import Detected, Revised
from pydantic import ValidationError

PLAIN = {
    "id": 7,
    "document": "d",
    "response": "Ann ran. Bob sat.",
    "sentences": ["Ann ran.", "Bob sat."],
    "offsets": [[0, 8], [9, 17]],
    "support_prob": [0.9, 0.4],
    "labels": [1, 0],
    "response_ok": False,
    "detector": "x",
    "mine": "kept",
}


def test_a_detected_row_keeps_fields_of_the_users_own():
    row = Detected.model_validate(PLAIN).model_dump(mode="json")
    assert (row["id"], row["mine"], row["labels"]) == ("7", "kept", [1, 0])


@pytest.mark.parametrize("name", ["labels", "support_prob", "offsets"])
def test_labels_and_sentences_of_different_length_are_told_with_both_counts(name):
    with pytest.raises(ValidationError, match=f"{name} has 1 entries, sentences 2"):
        Detected.model_validate(PLAIN | {name: PLAIN[name][:1]})


def test_where_nobody_detected_there_are_no_labels():
    row = Detected.model_validate(PLAIN | {"labels": [], "support_prob": [], "detector": "none"})
    assert row.labels == []


def test_any_two_texts_can_be_scored():
    row = Revised.model_validate({"id": "a", "document": "d", "response": "r", "refined": "s"})
    assert (row.recipe, row.rejected, row.calls) == ("", False, 0)
