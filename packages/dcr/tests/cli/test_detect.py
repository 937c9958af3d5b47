import pytest
from tenpapers.testing import command, fails, imports_of_help, read_rows, write_rows

ROWS = [
    {"id": 1, "source": "Tea is hot.", "summary": "Tea is hot. Milk 5 is from Rome.", "x": 3},
    {"id": 2, "source": "Tea is hot.", "summary": "Tea is red."},
]


@pytest.fixture
def file(tmp_path):
    return write_rows(tmp_path / "in.jsonl", ROWS)


def test_every_sentence_is_judged_and_counted(tmp_path, file, capsys):
    out = tmp_path / "run"
    command("dcr", "detect", file, "--detector", "lexical", "--out", out, "--json")
    assert '"sentences": 3' in capsys.readouterr().out
    first, second = read_rows(out / "detected.jsonl")
    assert first["sentences"] == ["Tea is hot.", "Milk 5 is from Rome."]
    assert first["offsets"] == [[0, 11], [12, 32]]
    assert (first["labels"], first["response_ok"]) == ([1, 0], False)
    assert (first["x"], first["detector"], second["id"]) == (3, "lexical", "2")


def test_a_model_that_does_not_answer_is_counted_apart_and_asked_again(tmp_path, file):
    replies = tmp_path / "replies.jsonl"
    write_rows(replies, [{"id": "0", "text": "Yes"}, {"id": "1", "text": "No"}])
    spec, out = f"llm:replay:{replies}", tmp_path / "run"
    command("dcr", "detect", file, "--detector", spec, "--out", out, code=3)
    first, second = read_rows(out / "detected.jsonl")
    assert (first["labels"], first["error"]) == ([1, 0], "")
    assert second["labels"] == [] and "error" in second["error"]


def test_an_unknown_detector_is_one_line(tmp_path, file):
    fails(
        "dcr",
        "detect",
        file,
        "--detector",
        "oracle",
        "--out",
        tmp_path / "run",
        told=["unknown detector 'oracle'", "lexical[:FILE]"],
    )


@pytest.mark.parametrize("words", [("detect",), ("data", "perturb"), ("train-lexical",)])
def test_help_loads_no_model_library(words):
    assert not {"torch", "transformers", "nltk", "vllm"} & imports_of_help("dcr", *words)
