import pytest
from dcr.inputs.instances import read_instances, read_rows
from dcr.records import Detected, EmptyResponseError
from tenpapers.errors import UserError
from tenpapers.sentences import EmptyDocumentError
from tenpapers.testing import write_rows

USER = {"role": "user", "content": "Sum up: tea is hot."}


def read(tmp_path, *rows, name="in.jsonl"):
    return read_instances(write_rows(tmp_path / name, rows))


@pytest.mark.parametrize(
    "row",
    [
        {"document": "D", "response": "R"},
        {"source": "D", "summary": "R"},
        {"article": "D", "completion": "R", "response": None},
        {"context": "D", "output": "R"},
        {"prompt": "D", "response": "R"},
        {"instruction": "D", "generated_text": "R"},
        {"messages": [{"role": "user", "content": "D"}, {"role": "assistant", "content": "R"}]},
        {"arguments": [["D", {"until": []}]], "resps": [["R"]], "doc_id": 0},
        {"arguments": {"gen_args_0": {"arg_0": "D"}}, "filtered_resps": ["R"], "resps": [["x"]]},
        {
            "prompt": "D",
            "response": {"body": {"choices": [{"message": {"content": "R"}}]}},
            "custom_id": "q",
        },
    ],
)
def test_the_usual_forms_are_understood(tmp_path, row):
    (found,) = read(tmp_path, row)
    assert (found.document, found.response) == ("D", "R")


def test_fields_ids_and_gold_of_ones_own(tmp_path):
    rows = [
        {
            "id": 7,
            "source": "Tea is hot.",
            "summary": "Tea is red.",
            "aspect": "tea",
            "reference_summary": "Tea.",
            "house": "blue",
            "annotations": [{"span": "red", "start": 7, "end": 10, "type": "a", "note": "b"}],
        },
        {"document": "D", "response": "R", "instruction": "Sum up."},
    ]
    first, second = read(tmp_path, *rows, name="in.jsonl.gz")
    assert (first.id, first.topic, first.reference) == ("7", "tea", "Tea.")
    assert first.model_extra == {"house": "blue"}
    (gold,) = first.gold
    assert (gold.span, gold.label, gold.explanation, gold.is_error) == ("red", "a", "b", True)
    assert (second.id, second.instruction, second.topic) == ("1", "Sum up.", None)


def test_a_prompt_is_the_instruction_and_the_document_in_one(tmp_path):
    (row,) = read(tmp_path, {"messages": [USER, {"role": "assistant", "content": "Hot tea."}]})
    assert row.document == row.instruction == "Sum up: tea is hot."


@pytest.mark.parametrize(
    ("row", "error", "told"),
    [
        ({"document": "D"}, UserError, "in.jsonl:2: no response in it; wanted"),
        ({"response": "R"}, UserError, "in.jsonl:2: no document in it"),
        ({"messages": [USER]}, UserError, "no response in it"),
        ({"document": "D", "response": ""}, EmptyResponseError, "2: the response is empty"),
        ({"document": " ", "response": "R"}, EmptyDocumentError, "2: the document is empty"),
        (["D", "R"], UserError, "2: a row is an object"),
        ({"id": "a", "document": "D", "response": "R"}, UserError, "'a' stands there twice"),
        ({"document": "D", "response": "R", "gold": [{"start": "x"}]}, UserError, "gold.0.start"),
    ],
)
def test_what_does_not_fit_is_told_with_its_line(tmp_path, row, error, told):
    with pytest.raises(error, match=told):
        read(tmp_path, {"id": "a", "document": "D", "response": "R"}, row)


def test_a_line_that_is_no_json_is_told_with_file_and_line(tmp_path):
    file = tmp_path / "in.jsonl"
    file.write_text('{"document": "D", "response": "R"}\n{"document": \n')
    with pytest.raises(UserError, match=r"in\.jsonl:2: not JSON: "):
        read_instances(file)
    (row,) = read_instances(file, limit=1)
    assert row.response == "R"


def test_labels_and_sentences_of_different_length_are_told_with_both_counts(tmp_path):
    row = {
        "document": "D",
        "response": "Tea is hot. It is.",
        "sentences": ["Tea is hot.", "It is."],
        "offsets": [[0, 11], [12, 18]],
        "support_prob": [0.9, 0.4],
        "labels": [1],
        "response_ok": False,
        "detector": "mine",
    }
    with pytest.raises(UserError, match=r"in\.jsonl:1: labels has 1 entries, sentences 2"):
        read_rows(write_rows(tmp_path / "in.jsonl", [row]), Detected)
    fits = write_rows(tmp_path / "fits.jsonl", [row | {"labels": [1, 0]}])
    assert read_rows(fits, Detected)[0].labels == [1, 0]
