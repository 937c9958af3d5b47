import pytest
from dcr.inputs.ultrachat import brings_a_text, read_ultrachat
from tenpapers.errors import UserError
from tenpapers.testing import write_rows

TEXT = "Tea is hot and red. " * 35


@pytest.mark.parametrize(
    ("turn", "kept"),
    [
        (f"Summarize this:\n{TEXT}", True),
        (f"{TEXT}\nBased on the text above, is tea hot?", True),
        (f"{TEXT}\nWrite a poem about tea.", False),  # asks for no summary
        (f"Summarize this:\n{TEXT[:480]}", False),  # 120 words and two
        ("Summarise tea " + "and milk " * 80, False),  # no text beside the question
    ],
)
def test_which_turns_bring_a_text(turn, kept):
    assert brings_a_text(turn) is kept


def test_the_first_turn_is_instruction_and_document(tmp_path):
    asked = f"Summarize this:\n{TEXT}"
    rows = [
        {"id": "0", "data": ["Hello?", "Hi."]},
        {"id": "1", "data": [asked, "Tea is hot.", "And milk?", "Cold."]},
        {
            "prompt_id": "2",
            "prompt": asked,
            "messages": [
                {"role": "user", "content": asked},
                {"role": "assistant", "content": "Tea is red."},
            ],
        },
    ]
    first, second = read_ultrachat(write_rows(tmp_path / "u.jsonl", rows))
    assert (first.id, first.document, first.response) == ("1", asked, "Tea is hot.")
    assert (second.id, second.instruction, second.response) == ("2", asked, "Tea is red.")


def test_none_that_is_kept_and_none_that_is_a_conversation_are_told(tmp_path):
    with pytest.raises(UserError, match="no conversation begins with a text"):
        read_ultrachat(write_rows(tmp_path / "u.jsonl", [{"id": "0", "data": ["Hello?", "Hi."]}]))
    with pytest.raises(UserError, match=r"v\.jsonl:1: is no conversation"):
        read_ultrachat(write_rows(tmp_path / "v.jsonl", [{"id": "0"}]))
